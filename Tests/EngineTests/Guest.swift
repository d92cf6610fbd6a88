import LinuxSystem
import RingDriver
import SharedMemory
import VhostUser
import Virtio

/// A guest with a front end of ours, and a driver on each queue that it starts.
final class Guest {
  var frontEnd: FrontEnd
  let memory: DriverMemory
  let queues: [GuestQueue]
  private(set) var acked: UInt64 = 0

  static let allProtocol = ProtocolFeatures.usual

  init(
    connectingTo path: String, memory: DriverMemory? = nil, queueCount: Int = 1,
    size: UInt16 = 64
  ) throws {
    frontEnd = try FrontEnd(connectingTo: path, patienceMilliseconds: 20_000)
    let memory = try memory ?? DriverMemory(byteCount: 4 << 20)
    self.memory = memory
    let socket = frontEnd.socket
    queues = try (0..<queueCount).map {
      try GuestQueue($0, size: size, in: memory, of: socket)
    }
  }

  /// A guest that has all it needs to begin.
  static func running(_ disk: LabDisk, queueCount: Int = 1, size: UInt16 = 64) throws -> Guest {
    let guest = try Guest(connectingTo: disk.path, queueCount: queueCount, size: size)
    try guest.begin()
    return guest
  }

  func begin(_ protocolFeatures: ProtocolFeatures = allProtocol) throws {
    acked = try frontEnd.negotiate(protocolFeatures: protocolFeatures)
    try frontEnd.setMemory([table])
    for queue in queues { try start(queue) }
  }

  var table: FrontEnd.Memory {
    FrontEnd.Memory(
      guestAddress: memory.region.guestAddress, userAddress: memory.region.userAddress,
      byteCount: memory.region.byteCount, file: memory.file)
  }

  /// Ends the connection at once. Closing it would not, while a process that another test is just
  /// starting still has all our descriptors.
  func leave() { disconnect(frontEnd.socket) }

  /// Starts a queue where it stopped.
  func start(_ queue: GuestQueue, at base: UInt32 = 0) throws {
    var ring = queue.announcement
    ring.base = base
    try frontEnd.start(ring)
  }
}
