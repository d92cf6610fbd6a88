import LinuxSystem
import SharedMemory
import Testing

@Suite("Guest memory is found by checked addresses only")
struct GuestMemoryTests {
  static let page: UInt64 = 4096

  static func region(
    _ guest: UInt64, user: UInt64? = nil, _ byteCount: UInt64 = page, at offset: UInt64 = 0
  ) -> MemoryRegion {
    MemoryRegion(
      guestAddress: guest, userAddress: user ?? guest + 0x7000_0000_0000, byteCount: byteCount,
      fileOffset: offset)
  }

  static func read(
    _ memory: GuestMemory, _ address: UInt64, _ count: Int
  ) throws(MemoryFault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xaa, count: count)
    var span = bytes.mutableSpan
    try memory.copyOut(from: GuestAddress(address), count, into: &span)
    return bytes
  }

  @Test("Bytes copied in come out at the same address")
  func roundTrip() throws {
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000), of: makeMemoryFile("ram", byteCount: 4096))
    try memory.copyIn([1, 2, 3].span, to: GuestAddress(0x1ffd))
    #expect(try Self.read(memory, 0x1ffd, 3) == [1, 2, 3])
  }

  @Test("A copy spans regions that adjoin in the guest and nowhere else")
  func spans() throws {
    let memory = GuestMemory()
    try memory.add(Self.region(0x2000), of: makeMemoryFile("b", byteCount: 4096))
    try memory.add(
      Self.region(0x1000, user: 0x10_0000), of: makeMemoryFile("a", byteCount: 4096))
    try memory.copyIn([1, 2, 3, 4].span, to: GuestAddress(0x1ffe))
    #expect(try Self.read(memory, 0x1ffe, 4) == [1, 2, 3, 4])
    #expect(try Self.read(memory, 0x2000, 2) == [3, 4])
  }

  @Test(
    "A region starts at its offset in the file, aligned to a page or not", arguments: [4096, 8])
  func offsets(_ offset: UInt64) throws {
    let file = try makeMemoryFile("ram", byteCount: 3 * 4096)
    let whole = try SharedFile(mapping: file, byteCount: 3 * 4096, writable: true)
    whole.setBytes([9, 8, 7], at: Int(offset))
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000, 4096, at: offset), of: file)
    #expect(try Self.read(memory, 0x1000, 3) == [9, 8, 7])
  }

  @Test("A region that is empty is refused")
  func empty() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    #expect(throws: MemoryFault.malformedRegion) {
      try GuestMemory().add(Self.region(0, 0), of: file)
    }
  }

  @Test("A region that wraps around in any of its spaces is refused")
  func wraps() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let regions = [
      Self.region(.max - 10, user: 0), Self.region(0, user: .max - 10),
      Self.region(0, 4096, at: .max - 10), Self.region(0, user: 0, .max, at: 1),
    ]
    for region in regions {
      #expect(throws: MemoryFault.malformedRegion) { try GuestMemory().add(region, of: file) }
    }
  }

  @Test("Regions that overlap in guest addresses or in user addresses are refused")
  func overlaps() throws {
    let file = try makeMemoryFile("ram", byteCount: 8192)
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000), of: file)
    #expect(throws: MemoryFault.overlappingRegion) {
      try memory.add(Self.region(0x1fff, user: 0), of: file)
    }
    #expect(throws: MemoryFault.overlappingRegion) {
      try memory.add(Self.region(0x9000, user: 0x7000_0000_1fff), of: file)
    }
    #expect(memory.regions.count == 1)
  }

  @Test("A region longer than its file is refused")
  func tooShort() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    #expect(throws: MemoryFault.fileTooShort) {
      try GuestMemory().add(Self.region(0, 4096, at: 1), of: file)
    }
  }

  @Test("What cannot be mapped is refused with the kernel's reason")
  func unmappable() throws {
    let bell = try EventDescriptor()
    #expect(throws: MemoryFault.notMapped(.noDevice)) {
      try GuestMemory().add(Self.region(0), of: bell.descriptor)
    }
  }

  @Test("The 65th region is refused")
  func tooMany() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    for index in 0..<64 { try memory.add(Self.region(UInt64(index) << 12), of: file) }
    #expect(throws: MemoryFault.tooManyRegions) {
      try memory.add(Self.region(64 << 12), of: file)
    }
  }

  @Test("An address outside of every region is refused, and the bytes before it are the caller's")
  func outside() throws {
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000), of: makeMemoryFile("ram", byteCount: 4096))
    #expect(throws: MemoryFault.outside(address: 0x2000, byteCount: 1)) {
      try Self.read(memory, 0x1fff, 2)
    }
    #expect(throws: MemoryFault.outside(address: 0xfff, byteCount: 1)) {
      try memory.copyIn([1].span, to: GuestAddress(0xfff))
    }
    #expect(throws: MemoryFault.outside(address: .max, byteCount: 9)) {
      try memory.fillZero(GuestAddress(.max), 9)
    }
  }

  @Test("A range that wraps around the address space ends at the edge of the guest's memory")
  func addressWraps() throws {
    let memory = GuestMemory()
    try memory.add(
      Self.region(.max - 4096, user: 0), of: makeMemoryFile("ram", byteCount: 4096))
    #expect(throws: MemoryFault.self) { try Self.read(memory, .max - 8, 64) }
  }

  @Test("A removed region is outside, and another in its place is found")
  func removes() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000), of: file)
    try memory.remove(Self.region(0x1000))
    #expect(throws: MemoryFault.self) { try Self.read(memory, 0x1000, 1) }
    try memory.add(Self.region(0x1000), of: file)
    #expect(try Self.read(memory, 0x1000, 1) == [0])
  }

  @Test("A region that is not there cannot be removed")
  func removesNothing() {
    #expect(throws: MemoryFault.noSuchRegion) { try GuestMemory().remove(Self.region(0)) }
  }

  @Test("A refused table leaves the one there is")
  func replaceRefused() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000), of: file)
    #expect(throws: MemoryFault.overlappingRegion) {
      try memory.replace(with: [(Self.region(0), file), (Self.region(8), file)])
    }
    #expect(memory.regions == [Self.region(0x1000)])
  }

  @Test("A new table takes the place of the old one")
  func replaces() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000), of: file)
    try memory.replace(with: [(Self.region(0x8000), file)])
    #expect(try Self.read(memory, 0x8000, 4096).count == 4096)
    #expect(throws: MemoryFault.self) { try Self.read(memory, 0x1000, 1) }
  }

  @Test("A window is found by user address, in one region, aligned")
  func window() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000, user: 0x10_0000), of: file)
    let window = try memory.window(userAddress: 0x10_0010, byteCount: 16, alignment: 16)
    window.storeRelease(UInt32(0x0403_0201), at: 4)
    #expect(try Self.read(memory, 0x1014, 4) == [1, 2, 3, 4])
  }

  @Test("A window that is outside, divided or misaligned is refused")
  func badWindows() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    try memory.add(Self.region(0x1000, user: 0x10_0000), of: file)
    #expect(throws: MemoryFault.outside(address: 0x1000, byteCount: 4)) {
      try memory.window(userAddress: 0x1000, byteCount: 4, alignment: 4)
    }
    #expect(throws: MemoryFault.divided(address: 0x10_0ffe)) {
      try memory.window(userAddress: 0x10_0ffe, byteCount: 4, alignment: 2)
    }
    #expect(throws: MemoryFault.misaligned(address: 0x10_0002)) {
      try memory.window(userAddress: 0x10_0002, byteCount: 4, alignment: 4)
    }
  }

  @Test("A window outlives the region it was found in")
  func windowOutlives() throws {
    let file = try makeMemoryFile("ram", byteCount: 4096)
    let memory = GuestMemory()
    try memory.add(Self.region(0, user: 0x1000), of: file)
    let window = try memory.window(userAddress: 0x1000, byteCount: 8, alignment: 8)
    memory.removeAll()
    window.storeRelaxed(UInt64(7), at: 0)
    #expect(window.relaxed64(at: 0) == 7)
  }
}
