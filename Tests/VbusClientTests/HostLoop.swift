import LinuxSystem
import SharedMemory
import VbusLink

/// What the host's thread does.
final class HostLoop {
  private let channel: Channel
  private let wake: EventDescriptor
  private let behaviour: Host.Behaviour
  private let watched: DescriptorSet
  private var bus = Bus()
  private let session = ClientSession()
  private let memory = GuestMemory()
  private var regions: [UInt64: MemoryRegion] = [:]
  private var devices: [DeviceHandle: HostDevice] = [:]
  private var eventQueues: [HostQueue] = []
  /// The host's own.
  private var bells: [EventDescriptor] = []
  private var isEnded = false

  init(_ channel: Channel, _ wake: EventDescriptor, _ behaviour: Host.Behaviour) throws {
    self.channel = channel
    self.wake = wake
    self.behaviour = behaviour
    watched = try DescriptorSet()
    try watched.add(channel.descriptor)
    try watched.add(wake.descriptor)
    for device in behaviour.devices { add(device.id, device.type) }
  }

  func run(_ commands: () -> [Host.Command], done: () -> Void) throws {
    while !isEnded {
      _ = wait(on: watched.descriptor, milliseconds: 1000)
      wake.clear()
      for bell in bells { bell.clear() }
      for command in commands() {
        try carryOut(command)
        done()
      }
      for device in devices.values { try serve(device) }
      try sendEvents()
      while !isEnded {
        let packet: Packet?
        do { packet = try channel.receive() } catch {
          guard error == .again else { throw error }
          break
        }
        guard let packet else { return }
        try receive(packet)
      }
    }
  }

  private func add(_ id: UInt32, _ type: String) {
    guard bus.add(Bus.Device(type: type, version: 1), as: id) else { return }
    session.deviceAdded(id)
  }

  private func carryOut(_ command: Host.Command) throws {
    switch command {
    case .add(let id, let type): add(id, type)
    case .drop(let id):
      bus.drop(id)
      session.deviceDropped(id)
    case .change:
      for device in devices.values {
        if let signal = device.change() { session.raise(signal) }
      }
    case .hold(let isHeld):
      for device in devices.values {
        device.isHeld = isHeld
        try serve(device)
      }
    case .end: isEnded = true
    }
  }

  // MARK: - Requests

  private func receive(_ packet: Packet) throws {
    let reaction = try session.receive(
      packet.bytes, descriptorCount: packet.descriptors.count, on: bus)
    switch reaction {
    case .answer(let reply): try answer(reply)
    case .carryOut(let call):
      let outcome: Outcome
      do { outcome = .done(try carryOut(call, packet.descriptors)) } catch let errno as Errno {
        outcome = .refused(errno)
      }
      let reply = session.finish(call, outcome, on: &bus)
      if case .share(let share) = call.action { try attach(share, packet.descriptors) }
      try answer(reply)
    }
    try sendEvents()
  }

  private func answer(_ reply: Reply) throws {
    var reply = reply
    if let verb = Verb(rawValue: reply.verb) {
      if behaviour.silentAt == verb { return }
      if behaviour.endsAt == verb {
        isEnded = true
        return
      }
      reply = Reply(
        verb: reply.verb, tag: reply.tag, errno: behaviour.refuses[verb] ?? reply.errno,
        value: behaviour.answers[verb] ?? reply.value)
    }
    if let babble = behaviour.babble { try send(Packet(babble)) }
    for rumour in behaviour.rumours { try send(Packet(rumour.bytes)) }
    try send(Packet(reply.bytes))
    if behaviour.repliesTwice { try send(Packet(reply.bytes)) }
  }

  private func carryOut(_ call: Call, _ descriptors: [Descriptor]) throws -> UInt64 {
    switch call.action {
    case .addMemory(let region):
      let mapped = MemoryRegion(
        guestAddress: region.address, userAddress: region.address, byteCount: region.byteCount,
        fileOffset: region.fileOffset)
      try memory.add(mapped, of: descriptors[0])
      regions[region.address] = mapped
    case .dropMemory(let region):
      if let mapped = regions.removeValue(forKey: region.address) { try memory.remove(mapped) }
    case .addEventQueue(let queue): try attach(queue, descriptors)
    // A client does without.
    case .addFastCall: throw Errno.notSupported
    case .open(let device):
      devices[device.handle] = HostDevice(
        bus[device.id]?.type ?? "", memory, greeting: behaviour.greeting)
    case .close(let device): devices[device.handle] = nil
    case .call(let device, let function, let byteCount, _, let address):
      return try self.call(device.handle, function, Int(byteCount), GuestAddress(address))
    case .signal(let share):
      if let device = devices[share.device] { try serve(device) }
    case .hello, .ready, .share: break
    }
    return 0
  }

  private func call(
    _ handle: DeviceHandle, _ function: UInt32, _ byteCount: Int, _ address: GuestAddress
  ) throws -> UInt64 {
    guard let device = devices[handle] else { throw Errno.noEntry }
    var data = try copied(byteCount, from: address)
    let answer = try device.call(function, &data)
    if byteCount > 0 { try memory.copyIn(data.span, to: address) }
    try serve(device)
    return answer
  }

  private func copied(_ byteCount: Int, from address: GuestAddress) throws -> [UInt8] {
    var data = [UInt8](repeating: 0, count: byteCount)
    guard byteCount > 0 else { return data }
    var span = data.mutableSpan
    try memory.copyOut(from: address, byteCount, into: &span, at: 0)
    return data
  }

  /// Waits while the client does not read.
  private func send(_ packet: Packet) throws {
    while true {
      do { return try channel.send(packet) } catch {
        guard error == .again else { throw error }
        _ = wait(for: .writable, on: channel.descriptor, milliseconds: 100)
      }
    }
  }

  // MARK: - Rings and events

  private func attach(_ share: Share, _ descriptors: [Descriptor]) throws {
    guard let device = devices[share.device] else { return }
    let bells = descriptors.map { EventDescriptor($0) }
    if let host = bells.first { try listen(to: host) }
    try device.attach(share, bells, written: behaviour.written)
  }

  private func listen(to bell: EventDescriptor) throws {
    try watched.add(bell.descriptor)
    bells.append(bell)
  }

  private func attach(_ queue: EventQueue, _ descriptors: [Descriptor]) throws {
    let ring = try HostQueue(
      at: queue.ring, byteCount: nil, entries: queue.count, flow: .fromDevice, memory)
    ring.bell = EventDescriptor(descriptors[1])
    try listen(to: EventDescriptor(descriptors[0]))
    eventQueues.append(ring)
  }

  private func serve(_ device: HostDevice) throws {
    for signal in try device.serve() { session.raise(signal) }
  }

  private func sendEvents() throws {
    guard eventQueues.isEmpty else { return try fillQueues() }
    for _ in 0..<behaviour.eventsAtOnce {
      guard let event = session.nextEvent(on: bus) else { return }
      try send(Packet(event.bytes))
      if behaviour.tellsTwice { try send(Packet(event.bytes)) }
    }
  }

  private func fillQueues() throws {
    for (priority, queue) in eventQueues.enumerated() {
      let ringsBell = try queue.serve { _, _ in
        var record: [UInt8]?
        session.deliver(priority, on: bus) { event in
          record = behaviour.record ?? event.record
          return true
        }
        return record
      }
      if ringsBell { queue.bell?.ring() }
    }
  }
}
