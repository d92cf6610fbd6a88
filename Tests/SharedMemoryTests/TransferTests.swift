import LinuxSystem
import SharedMemory
import Testing

@Suite("A transfer moves bytes between a file and a guest's memory")
struct TransferTests {
  static func guest() throws -> GuestMemory {
    let memory = GuestMemory()
    for start in [UInt64(0), 4096] {
      let region = MemoryRegion(
        guestAddress: start, userAddress: start, byteCount: 4096, fileOffset: 0)
      try memory.add(region, of: makeMemoryFile("ram", byteCount: 4096))
    }
    return memory
  }

  @Test("Parts in any order and across regions are written to the file one after the other")
  func writes() throws {
    let memory = try Self.guest()
    let file = try makeMemoryFile("disk", byteCount: 4096)
    try memory.copyIn([1, 2, 3, 4].span, to: GuestAddress(4094))
    try memory.copyIn([9].span, to: GuestAddress(0))
    var transfer = Transfer()
    _ = try transfer.appendSource(memory, GuestAddress(4094), 4)
    _ = try transfer.appendSource(memory, GuestAddress(0), 1)
    let moved = try transfer.write(file.number, at: 100)
    let disk = try SharedFile(mapping: file, byteCount: 4096, writable: false)
    #expect(moved == 5)
    #expect(disk.bytes(at: 99, byteCount: 7) == [0, 1, 2, 3, 4, 9, 0])
  }

  @Test("Parts are filled from the file")
  func reads() throws {
    let memory = try Self.guest()
    let file = try makeMemoryFile("disk", byteCount: 4096)
    let disk = try SharedFile(mapping: file, byteCount: 4096, writable: true)
    disk.setBytes([5, 6, 7], at: 10)
    var transfer = Transfer()
    _ = try transfer.appendTarget(memory, GuestAddress(4095), 3)
    let moved = try transfer.read(file.number, at: 10)
    #expect(moved == 3)
    #expect(try GuestMemoryTests.read(memory, 4095, 3) == [5, 6, 7])
  }

  @Test("A read over the end of the file answers how much there was")
  func short() throws {
    let memory = try Self.guest()
    let file = try makeMemoryFile("disk", byteCount: 100)
    var transfer = Transfer()
    _ = try transfer.appendTarget(memory, GuestAddress(0), 512)
    let moved = try transfer.read(file.number, at: 50)
    #expect(moved == 50)
  }

  @Test("A full transfer says how much found room")
  func full() throws {
    let memory = try Self.guest()
    var transfer = Transfer(capacity: 1)
    let first = try transfer.appendSource(memory, GuestAddress(4000), 200)
    let second = try transfer.appendSource(memory, GuestAddress(0), 1)
    #expect(first == 96)
    #expect(second == 0)
  }

  @Test("Memory outside is refused before anything moves")
  func outside() throws {
    let memory = try Self.guest()
    #expect(throws: MemoryFault.outside(address: 8192, byteCount: 1)) {
      var transfer = Transfer()
      _ = try transfer.appendSource(memory, GuestAddress(8191), 2)
    }
  }

  @Test("A file that cannot be written answers its errno")
  func readOnly() throws {
    let memory = try Self.guest()
    let file = try open("/dev/null", .readOnly)
    #expect(throws: Errno.badDescriptor) {
      var transfer = Transfer()
      _ = try transfer.appendSource(memory, GuestAddress(0), 2)
      _ = try transfer.write(file.number, at: 0)
    }
  }

  @Test("A transfer that was used is empty")
  func empty() throws {
    let memory = try Self.guest()
    let file = try makeMemoryFile("disk", byteCount: 100)
    var transfer = Transfer()
    _ = try transfer.appendSource(memory, GuestAddress(0), 2)
    _ = try transfer.write(file.number, at: 0)
    let left = transfer.byteCount
    #expect(left == 0)
  }
}
