internal import Rings
internal import SharedMemory
internal import VbusClient

/// A stretch of a relay's memory.
struct RelayBuffer {
  let memory: ClientMemory
  let buffer: ClientBuffer

  var byteCount: Int { buffer.byteCount }

  /// Parts of it that a ring takes: no more than `most`.
  func segments(isWritable: Bool, most: Int) -> [Segment] {
    let step = max(RelayArena.pieceByteCount, (byteCount + max(1, most) - 1) / max(1, most))
    return stride(from: 0, to: max(1, byteCount), by: step).map { start in
      Segment(
        address: GuestAddress(buffer.address + UInt64(start)),
        count: UInt32(min(step, byteCount - start)), isWritable: isWritable)
    }
  }

  func bytes(at offset: Int, _ count: Int) -> [UInt8] {
    memory.memory.bytes.bytes(at: buffer.offset + offset, byteCount: count)
  }

  func set(_ bytes: [UInt8], at offset: Int) {
    memory.memory.bytes.setBytes(bytes, at: buffer.offset + offset)
  }

  func free() { memory.deallocate(buffer) }
}

/// The memory of a relay's session: what the client has under way lies here. Memory that is not
/// used takes none of the machine's.
final class RelayArena {
  private let client: BusClient
  private var memories: [ClientMemory] = []

  /// Of each memory, and how many. A host takes no more than 64.
  private static let byteCount = 64 << 20
  private static let memoriesMax = 32
  /// Buffers are cut into such parts, unless a ring is too small for so many: devices have limits
  /// for the length of one.
  static let pieceByteCount = 1 << 18

  init(_ client: BusClient) { self.client = client }

  func allocate(_ byteCount: Int) throws(BusError) -> RelayBuffer {
    for memory in memories {
      if let buffer = Self.buffer(byteCount, of: memory) { return buffer }
    }
    guard let buffer = Self.buffer(byteCount, of: try add()) else { throw .noRoom }
    return buffer
  }

  /// One of no bytes has a place all the same.
  private static func buffer(_ byteCount: Int, of memory: ClientMemory) -> RelayBuffer? {
    memory.allocate(max(1, byteCount))?.part(from: 0, byteCount)
      .map { RelayBuffer(memory: memory, buffer: $0) }
  }

  /// Memory with so much room in one piece.
  func memory(with byteCount: Int) throws(BusError) -> ClientMemory {
    let trial = try allocate(byteCount)
    trial.free()
    return trial.memory
  }

  private func add() throws(BusError) -> ClientMemory {
    guard memories.count < Self.memoriesMax else { throw .noRoom }
    let memory = try client.makeMemory(byteCount: Self.byteCount)
    memories.append(memory)
    return memory
  }
}
