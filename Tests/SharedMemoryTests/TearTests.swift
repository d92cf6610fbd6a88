import LinuxSystem
import SharedMemory
import Testing

@Suite("Memory that shrinks behind its mapping is a device's fault, not the process's end")
struct TearTests {
  /// A file that can shrink, unlike our own memory files, of three pages.
  static func shrinkable() throws -> Descriptor {
    let path = "/dev/shm/vbusfs-tear-\(monotonicNanoseconds())"
    let file = try open(path, [.readWrite, .create, .exclusive])
    try unlink(path)
    try resize(file, to: 3 * 4096)
    return file
  }

  static let region = MemoryRegion(
    guestAddress: 0, userAddress: 0x1000_0000, byteCount: 3 * 4096, fileOffset: 0)

  @Test("Whole memory is not torn")
  func whole() throws {
    let memory = GuestMemory()
    try memory.add(Self.region, of: Self.shrinkable())
    #expect(try GuestMemoryTests.read(memory, 0, 3 * 4096).count == 3 * 4096)
    #expect(!memory.isTorn)
  }

  @Test("Lost pages read as zeros and the flag is up; what is still there stays")
  func torn() throws {
    let file = try Self.shrinkable()
    let memory = GuestMemory()
    try memory.add(Self.region, of: file)
    try memory.copyIn([1, 2, 3].span, to: GuestAddress(0))
    try memory.copyIn([4, 5, 6].span, to: GuestAddress(8192))
    try resize(file, to: 4096)
    #expect(try GuestMemoryTests.read(memory, 8192, 3) == [0, 0, 0])
    #expect(memory.isTorn)
    #expect(try GuestMemoryTests.read(memory, 0, 3) == [1, 2, 3])
  }

  @Test("A write to lost pages raises the flag and stays here")
  func tornWrite() throws {
    let file = try Self.shrinkable()
    let memory = GuestMemory()
    try memory.add(Self.region, of: file)
    let window = try memory.window(userAddress: 0x1000_2000, byteCount: 8, alignment: 8)
    try resize(file, to: 0)
    window.storeRelease(UInt64(1), at: 0)
    #expect(memory.isTorn)
    #expect(try facts(of: file).byteCount == 0)
  }

  @Test("Memory mapped in the place of torn memory is whole")
  func replaced() throws {
    let file = try Self.shrinkable()
    let memory = GuestMemory()
    try memory.add(Self.region, of: file)
    try resize(file, to: 0)
    _ = try GuestMemoryTests.read(memory, 0, 1)
    try memory.replace(with: [(Self.region, try Self.shrinkable())])
    _ = try GuestMemoryTests.read(memory, 0, 1)
    #expect(!memory.isTorn)
  }

  @Test("Another device's memory is not torn by it")
  func others() throws {
    let (file, other) = (try Self.shrinkable(), try Self.shrinkable())
    let (memory, neighbour) = (GuestMemory(), GuestMemory())
    try memory.add(Self.region, of: file)
    try neighbour.add(Self.region, of: other)
    try resize(file, to: 0)
    _ = try GuestMemoryTests.read(memory, 0, 1)
    _ = try GuestMemoryTests.read(neighbour, 0, 1)
    #expect(memory.isTorn)
    #expect(!neighbour.isTorn)
  }

  @Test("A shrunk file of our own raises its flag too")
  func sharedFile() throws {
    let file = try Self.shrinkable()
    let shared = try SharedFile(mapping: file, byteCount: 8192, writable: true)
    try resize(file, to: 0)
    #expect(shared.bytes(at: 5000, byteCount: 2) == [0, 0])
    #expect(shared.isTorn)
  }

  @Test("A transfer into lost pages fails with EFAULT")
  func transfer() throws {
    let (file, disk) = (try Self.shrinkable(), try Self.shrinkable())
    let memory = GuestMemory()
    try memory.add(Self.region, of: file)
    try resize(file, to: 0)
    var transfer = Transfer()
    _ = try transfer.appendTarget(memory, GuestAddress(0), 512)
    let outcome = Self.read(&transfer, disk)
    #expect(outcome == .badAddress)
  }

  private static func read(_ transfer: inout Transfer, _ file: Descriptor) -> Errno? {
    do {
      _ = try transfer.read(file.number, at: 0)
      return nil
    } catch { return error }
  }

  @Test("Hundreds of mappings come and go, and the right one is mended")
  func manyMappings() throws {
    let (file, other) = (try Self.shrinkable(), try Self.shrinkable())
    var devices: [GuestMemory] = []
    for index in 0..<3000 {
      let memory = GuestMemory()
      try memory.add(Self.region, of: index == 1500 ? file : other)
      devices.append(memory)
    }
    try resize(file, to: 0)
    _ = try GuestMemoryTests.read(devices[1500], 0, 1)
    #expect(devices.indices.filter { devices[$0].isTorn } == [1500])
  }
}
