package import LinuxSystem
internal import SharedMemory
internal import Tables
package import VbusLink

/// The host's end of a connector for one client: the verbs, carried out, and the memory context in
/// which the client's addresses mean something.
///
/// A connector brings messages and takes events, by whatever means it has; the rest is the same for
/// all:
///
///     let reply = try client.answer(bytes, descriptors)
///     send(reply.bytes)
///     client.onEvents = { client.deliverEvents { event in send(event.bytes) } }
///
/// All from the loop's thread.
package final class BusClient {
  let bus: ContainerBus
  let session: ClientSession
  let memory = GuestMemory()
  /// Open devices by handle.
  let devices = NumberTable<OpenedDevice>()
  /// Rings in the client's memory through which events come, by priority.
  var eventRings: [EventRing] = []
  /// By which requests come without the socket.
  private(set) var fastCall: FastCallBlock?
  let vault: any ClientVault
  /// Something changed that a new engine has to know; whoever writes it down says when that is done.
  var hasChanged = false
  /// What the vault shall let go once the record no longer tells of it.
  var released: [String] = []

  /// Called when something changed by itself, and not by a message that is being answered.
  var onChange: () -> Void = {}
  /// Called when a request waits in `fastCall`.
  var onFastCall: () -> Void = {}
  /// Called when events wait that did not wait before.
  package var onEvents: () -> Void = {}

  /// A client without a past.
  init(of bus: ContainerBus, vault: any ClientVault) {
    self.bus = bus
    self.vault = vault
    session = ClientSession(sharesMax: Self.sharesMax)
  }

  init(of bus: ContainerBus, vault: any ClientVault, session: ClientSession) {
    self.bus = bus
    self.vault = vault
    self.session = session
  }

  /// Memories that one client shares: what the lines of its session have room for, by far.
  static let sharesMax = 8192

  /// Answers one message, whose descriptors come along. Throws what ends the connection.
  package func answer(
    _ bytes: [UInt8], _ descriptors: [Descriptor]
  ) throws(LinkFault) -> Reply {
    switch try session.receive(bytes, descriptorCount: descriptors.count, on: bus.table) {
    case .answer(let reply): return reply
    case .carryOut(let call):
      let outcome: Outcome
      do throws(Errno) { outcome = .done(try carryOut(call.action, descriptors)) } catch {
        outcome = .refused(error)
      }
      return session.finish(call, outcome, on: &bus.table)
    }
  }

  private func carryOut(
    _ action: Call.Action, _ descriptors: [Descriptor]
  ) throws(Errno) -> UInt64 {
    switch action {
    case .signal(let share):
      try device(share.device).hear(share)
      return 0
    case .call(let open, let function, let byteCount, let flags, let address):
      return try device(open.handle).call(
        function, byteCount: byteCount, flags: flags, address: address)
    default: try change(action, descriptors)
    }
    hasChanged = true
    return 0
  }

  /// EBADF for a descriptor that is not of the kind that is due: one whose file system somebody
  /// answers for could keep this process or the keeper waiting for ever.
  private func change(_ action: Call.Action, _ descriptors: [Descriptor]) throws(Errno) {
    if case .addMemory = action {
      guard descriptors.allSatisfy(isMemoryFile) else { throw .badDescriptor }
    } else {
      guard descriptors.allSatisfy(isEvent) else { throw .badDescriptor }
    }
    switch action {
    case .hello, .signal, .call: break
    case .addMemory(let region): try add(region, descriptors)
    case .dropMemory(let region): try drop(region)
    case .addEventQueue(let queue): try add(queue, descriptors)
    case .addFastCall(let address):
      try addFastCall(address, descriptors)
      for (index, bell) in descriptors.enumerated() {
        vault.keep(bell, as: Part.fastCall(index))
      }
    // Events come in the loop's next turn, behind the reply.
    case .ready: bus.eventsWait(for: self)
    case .open(let open):
      devices[open.handle.rawValue] = try bus.open(open, for: self)
      bus.membersChanged()
    case .close(let open):
      for share in open.shares { letGo(share) }
      devices.remove(open.handle.rawValue)?.close()
      bus.membersChanged()
      // The last event of each signal, behind the reply.
      bus.eventsWait(for: self)
    case .share(let share):
      try device(share.device).share(share, descriptors)
      for (index, bell) in descriptors.enumerated() {
        vault.keep(bell, as: Part.bell(share, index))
      }
    }
  }

  /// Notes what changed by itself.
  func changed() {
    hasChanged = true
    onChange()
  }

  /// The session knows the handle; ENODEV when the device is gone with a former engine.
  private func device(_ handle: DeviceHandle) throws(Errno) -> OpenedDevice {
    guard let device = devices[handle.rawValue] else { throw .noDevice }
    return device
  }

  func addFastCall(_ address: UInt64, _ bells: [Descriptor]) throws(Errno) {
    let block = try FastCallBlock(at: address, in: memory, bells, on: bus.loop)
    block.onBell = { [unowned self] in onFastCall() }
    fastCall = block
  }

  private func letGo(_ share: Share) {
    if share.signal?.hasOwnBells == true { released.append(Part.bells(share)) }
  }

  // MARK: Memory

  private func add(_ region: Region, _ files: [Descriptor]) throws(Errno) {
    guard let file = files.first else { throw .invalid }
    try map(region, file)
    vault.keep(file, as: Part.memory(region))
    released.removeAll { $0 == Part.memory(region) }
  }

  /// EINVAL for a file too short.
  func map(_ region: Region, _ file: Descriptor) throws(Errno) {
    do throws(MemoryFault) { try memory.add(Self.place(region), of: file) } catch {
      if case .notMapped(let errno) = error { throw errno }
      throw .invalid
    }
  }

  private func drop(_ region: Region) throws(Errno) {
    do throws(MemoryFault) { try memory.remove(Self.place(region)) } catch { throw .noEntry }
    released.append(Part.memory(region))
  }

  private static func place(_ region: Region) -> MemoryRegion {
    MemoryRegion(
      guestAddress: region.address, userAddress: region.address, byteCount: region.byteCount,
      fileOffset: region.fileOffset)
  }

  /// Copies bytes of the client's out. EFAULT where it has none.
  func bytes(at address: UInt64, _ count: Int) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard count > 0 else { return bytes }
    var span = bytes.mutableSpan
    do throws(MemoryFault) {
      try memory.copyOut(from: GuestAddress(address), count, into: &span, at: 0)
    } catch { throw .badAddress }
    return bytes
  }

  func setBytes(_ bytes: [UInt8], at address: UInt64) throws(Errno) {
    do throws(MemoryFault) { try memory.copyIn(bytes.span, to: GuestAddress(address)) } catch {
      throw .badAddress
    }
  }

  // MARK: The end

  /// The client is gone: nothing of it is left.
  package func end() {
    let open = session.end(on: &bus.table)
    for device in open { devices.remove(device.handle.rawValue)?.release() }
    for ring in eventRings { ring.end() }
    eventRings = []
    fastCall?.end()
    fastCall = nil
    memory.removeAll()
    (onEvents, onFastCall, onChange) = ({}, {}, {})
    bus.forget(self)
  }

  /// Names of what a client leaves in its vault.
  enum Part {
    static func memory(_ region: Region) -> String { "memory/\(region.address)" }
    static func bells(_ share: Share) -> String {
      "bells/\(share.signal?.handle.rawValue ?? 0)"
    }
    static func bell(_ share: Share, _ index: Int) -> String { "\(bells(share))/\(index)" }
    static func fastCall(_ index: Int) -> String { "calls/\(index)" }
    static func queue(_ priority: UInt32, _ index: Int) -> String { "queue/\(priority)/\(index)" }
  }
}

/// What a client's engine may not lose, kept where it outlives the engine: descriptors by name.
package protocol ClientVault: AnyObject {
  func keep(_ descriptor: Descriptor, as name: String)
  /// Of `name` and of all below it.
  func letGo(_ name: String)
}
