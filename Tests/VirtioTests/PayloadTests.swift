import LinuxSystem
import SharedMemory
import Testing
import Virtio

@Suite("Where a transfer of a chain's bytes goes on when it was full")
struct PayloadTests {
  /// A buffer of one byte, then one that lies in two regions.
  private static func chain(isWritable: Bool) -> Segments {
    var segments = Segments()
    var tally = Segments.Tally()
    for (address, count) in [(UInt64(0), UInt32(1)), (4094, 4)] {
      let segment = Segment(
        address: GuestAddress(address), count: count, isWritable: isWritable)
      let isPlaced = segments.append(segment, &tally)
      #expect(isPlaced)
    }
    let isSettled = segments.settle(tally)
    #expect(isSettled)
    return segments
  }

  private static func guest() throws -> GuestMemory {
    let memory = GuestMemory()
    for start in [UInt64(0), 4096] {
      let region = MemoryRegion(
        guestAddress: start, userAddress: start, byteCount: 4096, fileOffset: 0)
      try memory.add(region, of: makeMemoryFile("ram", byteCount: 4096))
    }
    return memory
  }

  @Test("Bytes to be read: behind the part of a buffer that found room")
  func source() throws {
    let memory = try Self.guest()
    let segments = Self.chain(isWritable: false)
    var transfer = Transfer(capacity: 2)
    var place = segments.readable(from: 0)
    let first = try segments.add(&place, to: &transfer, limit: 5, of: memory)
    transfer.removeAll()
    let second = try segments.add(&place, to: &transfer, limit: 5 - first, of: memory)
    #expect((first, second) == (3, 2))
  }

  @Test("Bytes to be written: behind the part of a buffer that found room")
  func target() throws {
    let memory = try Self.guest()
    let segments = Self.chain(isWritable: true)
    let disk = try makeMemoryFile("disk", byteCount: 4096)
    let image = try SharedFile(mapping: disk, byteCount: 4096, writable: true)
    image.setBytes([1, 2, 3, 4, 5], at: 0)
    var transfer = Transfer(capacity: 2)
    var place = segments.writable(from: 0)
    var done: UInt64 = 0
    while done < 5 {
      done += try segments.add(&place, to: &transfer, limit: 5 - done, of: memory)
      let left = transfer.byteCount
      let moved = try transfer.read(disk.number, at: done - UInt64(left))
      #expect(moved == left && left > 0)
    }
    var bytes = InlineArray<4, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    try memory.copyOut(from: GuestAddress(4094), 4, into: &span)
    #expect((bytes[0], bytes[1], bytes[2], bytes[3]) == (2, 3, 4, 5))
  }
}
