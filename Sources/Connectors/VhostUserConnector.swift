package import LinuxSystem
internal import RingDriver
internal import SharedMemory
package import VbusClient
package import VbusLink
internal import VhostUser

/// A connector over a vhost-user socket: a bus of one device, whose id is 0. Virtio's functions
/// become messages of that protocol, virtqueue blocks its rings, and the entries of an ioq chains of a
/// virtqueue of ours.
///
/// The socket belongs to one driver at a time, so it is connected to while the device is open,
/// and no longer. When that connection ends the device leaves the bus; it comes back when
/// somebody listens again. A vhost-user device does not know a block's shm-signal: its half is
/// played here, so signals have no bells of their own. What lies in an ioq moves when its signal is
/// rung, and when events are asked for.
///
/// - `VhostUserConnector+Calls` translates functions;
/// - `VhostUserConnector+Sharing` memory, rings and their bells; `VhostUserIoq` one ring into the
///   other;
/// - `VhostUserConnector+Events` hears the device.
package final class VhostUserConnector: Connector {
  let path: String
  /// What the bus calls the device, and virtio its kind.
  let type: String
  let virtioID: UInt32
  let patienceMilliseconds: Int32
  let watched: DescriptorSet
  let waiting: EventDescriptor
  var inbox = Inbox()
  private var space = ClientSpace()
  var memories: [BusMemory] = []
  var opened: VhostUserDevice?
  private var lastHandle: UInt64 = 0
  /// Somebody listened when it was last looked.
  private(set) var isPresent = false
  private var lastLook: UInt64 = 0
  private(set) var isEnded = false

  /// The number of the only device.
  package static let id: UInt32 = 0
  /// Between two looks whether the device is there again.
  static let lookMilliseconds: UInt64 = 100

  package var capabilities: ConnectorCapabilities {
    ConnectorCapabilities(ringFormats: [.ioq, .virtqueue], sharesMemory: true, hasOwnBells: false)
  }

  package var descriptor: Descriptor { watched.descriptor }

  /// A bus of the device that listens at `path`. `type` is its interface type, "virtio-blk" for
  /// example; EINVAL for one whose number in virtio is not known and not told.
  package init(
    connectingTo path: String, type: String, virtioID: UInt32? = nil,
    patienceMilliseconds: Int32 = 10_000
  ) throws(BusError) {
    guard let number = virtioID ?? Self.virtioIDs[type] else { throw .refused(.invalid) }
    self.path = path
    self.type = type
    self.virtioID = number
    self.patienceMilliseconds = patienceMilliseconds
    do throws(Errno) {
      watched = try DescriptorSet()
      waiting = try EventDescriptor()
      try watched.add(waiting.descriptor)
    } catch { throw .exhausted(error) }
    do throws(Errno) { try look() } catch { throw .unreachable(error) }
    try keep(.deviceAdded(id: Self.id, type: type))
    isPresent = true
  }

  /// VIRTIO 1.2 section 5, by the bus's names.
  private static let virtioIDs: [String: UInt32] = [
    "virtual-ethernet": 1, "virtio-net": 1, "virtio-blk": 2, "virtio-console": 3,
    "virtio-rng": 4, "virtio-scsi": 8, "virtio-gpu": 16, "virtio-input": 18, "virtio-vsock": 19,
    "virtio-crypto": 20, "virtio-sound": 25, "virtio-fs": 26, "virtio-i2c": 34, "virtio-gpio": 41,
  ]

  /// Whether somebody listens: a connection that says nothing.
  private func look() throws(Errno) {
    let socket = try LinuxSystem.connect(to: path)
    LinuxSystem.disconnect(socket)
  }

  func keep(_ event: Event) throws(BusError) {
    let wasEmpty = inbox.isEmpty
    try inbox.append(event)
    if wasEmpty, !inbox.isEmpty { waiting.ring() }
  }

  // MARK: Presence

  /// Looks whether a device that had left is there again.
  func lookAgain() throws(BusError) {
    let now = monotonicNanoseconds()
    guard !isPresent, now >= lastLook + Self.lookMilliseconds * 1_000_000 else { return }
    lastLook = now
    guard (try? look()) != nil else { return }
    isPresent = true
    try keep(.deviceAdded(id: Self.id, type: type))
  }

  /// The connection has ended: so has the device. Who has it open can only close it.
  func lost() {
    if let device = opened, let frontEnd = device.frontEnd {
      opened?.frontEnd = nil
      for socket in device.watchedDescriptors { watched.remove(socket) }
      LinuxSystem.disconnect(frontEnd.socket)
    }
    guard isPresent else { return }
    isPresent = false
    lastLook = monotonicNanoseconds()
    try? keep(.deviceDropped(id: Self.id))
  }

  // MARK: The only device

  package func open(_ id: UInt32, version: UInt32) throws(BusError) -> DeviceHandle {
    guard !isEnded else { throw .disconnected }
    try lookAgain()
    guard id == Self.id, isPresent else { throw .refused(.noEntry) }
    guard version == 1 else { throw .refused(.invalid) }
    guard opened == nil else { throw .refused(.busy) }
    var frontEnd: FrontEnd
    do throws(FrontEndError) {
      frontEnd = try FrontEnd(
        connectingTo: path, patienceMilliseconds: patienceMilliseconds)
    } catch {
      lost()
      throw .refused(.noEntry)
    }
    lastHandle += 1
    do throws(FrontEndError) {
      opened = try begin(&frontEnd, DeviceHandle(rawValue: lastHandle))
    } catch {
      LinuxSystem.disconnect(frontEnd.socket)
      // Whoever listens turns a second driver away.
      throw .refused(.busy)
    }
    return DeviceHandle(rawValue: lastHandle)
  }

  private func begin(
    _ frontEnd: inout FrontEnd, _ handle: DeviceHandle
  ) throws(FrontEndError) -> VhostUserDevice {
    let offered = try frontEnd.introduce()
    var device = VhostUserDevice(handle: handle, frontEnd: frontEnd, offered: offered)
    var number: UInt64 = 1
    if frontEnd.protocolFeatures.contains(.multipleQueues) { number = try frontEnd.queueCount() }
    device.queueCount = queueCount(min(number, 128), offered)
    if frontEnd.protocolFeatures.contains(.backendChannel) {
      device.channel = try frontEnd.openBackendChannel()
    }
    try announce(memories, to: frontEnd)
    do throws(Errno) {
      try watched.add(frontEnd.socket)
      if let channel = device.channel { try watched.add(channel) }
    } catch { throw .link(.connection(error)) }
    return device
  }

  /// The queues of a device that tells a number: a card tells its pairs (VIRTIO 1.2 section 5.1.2;
  /// VIRTIO_NET_F_CTRL_VQ is one more), and a console that tells none has a pair.
  private func queueCount(_ number: UInt64, _ offered: UInt64) -> UInt32 {
    switch virtioID {
    case 1: UInt32(2 * number + (offered >> 17 & 1))
    case 3: UInt32(max(2, number))
    default: UInt32(number)
    }
  }

  package func close(_ handle: DeviceHandle) throws(BusError) {
    guard !isEnded else { throw .disconnected }
    guard let device = opened, device.handle == handle else { throw .refused(.noEntry) }
    leave(device)
    for share in device.shares {
      if share.wish.signalOffset != nil { try keep(.shareClosed(cookie: share.wish.cookie)) }
    }
  }

  private func leave(_ device: VhostUserDevice) {
    if let frontEnd = device.frontEnd {
      // In order, so that what was posted is finished.
      for share in device.shares where share.isRunning {
        _ = try? frontEnd.stop(Int(share.wish.id))
        _ = try? share.queue?.ioq?.giveBack()
      }
      for socket in device.watchedDescriptors { watched.remove(socket) }
      LinuxSystem.disconnect(frontEnd.socket)
    }
    memories.removeAll { memory in device.shares.contains { $0.queue?.ioq?.memory === memory } }
    opened = nil
  }

  package func disconnect() {
    if let device = opened { leave(device) }
    isEnded = true
    waiting.ring()
  }

  // MARK: Memory

  package func makeMemory(byteCount: Int) throws(BusError) -> BusMemory {
    guard !isEnded else { throw .disconnected }
    let memory = try space.memory(byteCount: byteCount)
    let limit = VhostUser.Limits.tableRegionCountMax
    let hasSlots = opened?.frontEnd?.protocolFeatures.contains(.memorySlots) != false
    guard memories.count < (hasSlots ? VhostUser.Limits.regionCountMax : limit) else {
      throw .refused(.noSpace)
    }
    if let frontEnd = opened?.frontEnd {
      try told { () throws(FrontEndError) in
        guard hasSlots else { return try frontEnd.setMemory((memories + [memory]).map(\.region)) }
        try frontEnd.addMemory(memory.region)
      }
    }
    space.take(memory)
    memories.append(memory)
    return memory
  }

  package func dropMemory(_ memory: BusMemory) throws(BusError) {
    guard !isEnded else { throw .disconnected }
    guard let place = memories.firstIndex(where: { $0 === memory }) else {
      throw .refused(.noEntry)
    }
    guard opened?.shares.contains(where: { $0.wish.memory === memory }) != true else {
      throw .refused(.busy)
    }
    if let frontEnd = opened?.frontEnd {
      try told { () throws(FrontEndError) in
        guard frontEnd.protocolFeatures.contains(.memorySlots) else {
          return try frontEnd.setMemory(memories.filter { $0 !== memory }.map(\.region))
        }
        try frontEnd.removeMemory(memory.region)
      }
    }
    memories.remove(at: place)
  }

  private func announce(
    _ memories: [BusMemory], to frontEnd: FrontEnd
  ) throws(FrontEndError) {
    guard !memories.isEmpty else { return }
    guard frontEnd.protocolFeatures.contains(.memorySlots) else {
      return try frontEnd.setMemory(memories.map(\.region))
    }
    for memory in memories { try frontEnd.addMemory(memory.region) }
  }

  /// Says something to the device. EINVAL for what it refuses, ENODEV when it is gone.
  func told<Answer>(
    _ body: () throws(FrontEndError) -> Answer
  ) throws(BusError) -> Answer {
    do throws(FrontEndError) { return try body() } catch {
      if case .refused = error { throw .refused(.invalid) }
      lost()
      throw .refused(.noDevice)
    }
  }
}

/// The device while it is open.
struct VhostUserDevice {
  let handle: DeviceHandle
  /// Nil once the connection has ended.
  var frontEnd: FrontEnd?
  let offered: UInt64
  var queueCount: UInt32 = 1
  /// The device's own messages come here.
  var channel: Descriptor?
  var acked: UInt64?
  var status: DeviceStatus = []
  var shares: [VhostUserShare] = []

  init(handle: DeviceHandle, frontEnd: FrontEnd, offered: UInt64) {
    self.handle = handle
    self.frontEnd = frontEnd
    self.offered = offered
  }

  var watchedDescriptors: [Descriptor] {
    shares.flatMap(\.bells) + [frontEnd?.socket, channel].compactMap { $0 }
  }
}

extension BusMemory {
  /// As a front end names it: its own addresses are the client's.
  var region: FrontEnd.Memory {
    FrontEnd.Memory(
      guestAddress: address, userAddress: address, byteCount: UInt64(byteCount), file: file)
  }
}
