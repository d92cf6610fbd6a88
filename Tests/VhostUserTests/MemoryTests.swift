import Testing
import VhostUser

@Suite("Guest memory, section \"Memory regions description\"")
struct MemoryTests {
  @Test("SET_MEM_TABLE with two regions and two descriptors names them in order")
  func table() throws {
    var session = Bench.fresh()
    let message = Bench.table([Bench.place(0, 0x1000), Bench.place(0x8000, 0x2000, offset: 0x1000)])
    #expect(try session.take(message, descriptors: 2) == .memoryReplaced(removed: []))
    #expect(session.regions.map(\.id) == [0, 1])
    #expect(session.regions.map(\.fileOffset) == [0, 0x1000])
  }

  @Test("A second SET_MEM_TABLE replaces the first, under new ids")
  func secondTable() throws {
    var session = Bench.fresh()
    let message = Bench.table([Bench.place(0, 0x1000)])
    try session.take(message, descriptors: 1)
    let before = session.regions
    #expect(try session.take(message, descriptors: 1) == .memoryReplaced(removed: before))
    #expect(session.regions.map(\.id) == [1])
  }

  @Test("SET_MEM_TABLE with room for more regions than it fills is taken")
  func roomyTable() throws {
    var session = Bench.fresh()
    let message = Bench.table([Bench.place(0, 0x1000), [0, 0, 0, 0]], count: 1)
    try session.take(message, descriptors: 1)
    #expect(session.regions.count == 1)
  }

  @Test("SET_MEM_TABLE with eight regions, the most, is taken")
  func fullTable() throws {
    var session = Bench.fresh()
    let places = (0..<8).map { Bench.place($0 * 0x1000, 0x1000) }
    try session.take(Bench.table(places), descriptors: 8)
    #expect(session.regions.count == 8)
  }

  @Test("SET_MEM_TABLE with nine regions is refused")
  func tooManyRegions() {
    var session = Bench.fresh()
    let places = (0..<9).map { Bench.place($0 * 0x1000, 0x1000) }
    #expect(throws: SessionFault.tooManyRegions(9)) {
      try session.take(Bench.table(places), descriptors: 9)
    }
  }

  @Test("SET_MEM_TABLE that announces 4294967295 regions is refused")
  func absurdCount() {
    var session = Bench.fresh()
    let message = Message(.setMemoryTable, payload: [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    #expect(throws: SessionFault.tooManyRegions(0xffff_ffff)) { try session.take(message) }
  }

  @Test("SET_MEM_TABLE shorter than its count is refused")
  func shortTable() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(5, 40)) {
      try session.take(Bench.table([Bench.place(0, 0x1000)], count: 2), descriptors: 2)
    }
  }

  @Test("SET_MEM_TABLE with half a region behind the last is refused")
  func crookedTable() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(5, 56)) {
      try session.take(Bench.table([Bench.place(0, 0x1000), [0, 0]], count: 1), descriptors: 1)
    }
  }

  @Test("SET_MEM_TABLE with fewer descriptors than regions is refused")
  func missingDescriptor() {
    var session = Bench.fresh()
    let message = Bench.table([Bench.place(0, 0x1000), Bench.place(0x1000, 0x1000)])
    #expect(throws: SessionFault.descriptorCount(1, expected: 2)) {
      try session.take(message, descriptors: 1)
    }
  }

  @Test("Regions that share a guest address are refused, and the old table stays")
  func overlappingGuestAddresses() throws {
    var session = try Bench.running()
    let before = session
    let message = Bench.table([
      Bench.place(0, 0x2000), Bench.place(0x1000, 0x1000, user: 0x9_0000_0000),
    ])
    #expect(throws: SessionFault.overlappingRegions) { try session.take(message, descriptors: 2) }
    #expect(session == before)
  }

  @Test("Regions that share a user address are refused")
  func overlappingUserAddresses() {
    var session = Bench.fresh()
    let message = Bench.table([
      Bench.place(0, 0x2000, user: 0x5000), Bench.place(0x8000, 0x1000, user: 0x6fff),
    ])
    #expect(throws: SessionFault.overlappingRegions) { try session.take(message, descriptors: 2) }
  }

  @Test("Regions that touch are taken")
  func touchingRegions() throws {
    var session = Bench.fresh()
    let message = Bench.table([Bench.place(0x1000, 0x1000), Bench.place(0, 0x1000)])
    try session.take(message, descriptors: 2)
    #expect(session.regions.count == 2)
  }

  @Test("A region that ends at the last address is taken")
  func lastAddress() throws {
    var session = Bench.fresh()
    let place = Bench.place(UInt64.max - 0xfff, 0x1000, user: 0x1000)
    try session.take(Bench.table([place]), descriptors: 1)
    #expect(session.regions.count == 1)
  }

  @Test(
    "A region that is empty or runs over the end of its space is refused",
    arguments: [
      [0, 0, 0, 0],
      [UInt64.max, 2, 0, 0],
      [0, 2, UInt64.max, 0],
      [0, 0x1000, 0, UInt64.max],
      [0, 1 << 63, 0, 0],
      [0, 0x1000, 0, UInt64(Int64.max) - 0xffe],
    ] as [[UInt64]])
  func impossibleRegion(_ place: [UInt64]) {
    var session = Bench.fresh()
    #expect(throws: SessionFault.impossibleRegion) {
      try session.take(Bench.table([place]), descriptors: 1)
    }
  }

  @Test("GET_MAX_MEM_SLOTS answers 32")
  func memorySlots() throws {
    var session = try Bench.negotiated()
    try session.take(Message(.getMemorySlotsMax))
    let reply = try #require(try session.reply(to: Message(.getMemorySlotsMax)))
    #expect(try reply.number() == 32)
  }

  @Test("GET_MAX_MEM_SLOTS without its protocol feature is refused")
  func memorySlotsNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.getMemorySlotsMax)) {
      try session.take(Message(.getMemorySlotsMax))
    }
  }

  @Test("ADD_MEM_REG adds a region beside those of the table")
  func addRegion() throws {
    var session = try Bench.running()
    let effect = try session.take(
      Bench.region(.addMemoryRegion, Bench.place(0x8000, 0x1000)), descriptors: 1)
    #expect(effect == .regionAdded(session.regions[1]))
    #expect(session.regions.map(\.guestAddress) == [0, 0x8000])
  }

  @Test("ADD_MEM_REG received again keeps the id and adds nothing")
  func addRegionAgain() throws {
    var session = try Bench.negotiated()
    let message = Bench.region(.addMemoryRegion, Bench.place(0x8000, 0x1000))
    try session.take(message, descriptors: 1)
    let once = session
    #expect(try session.take(message, descriptors: 1) == .regionAdded(once.regions[0]))
    #expect(session == once)
  }

  @Test("ADD_MEM_REG without a descriptor is refused")
  func addRegionWithoutDescriptor() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.descriptorCount(0, expected: 1)) {
      try session.take(Bench.region(.addMemoryRegion, Bench.place(0, 0x1000)))
    }
  }

  @Test("ADD_MEM_REG over a part of a known region is refused")
  func addOverlappingRegion() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.overlappingRegions) {
      try session.take(
        Bench.region(.addMemoryRegion, Bench.place(0xfff, 0x1000)), descriptors: 1)
    }
  }

  @Test("ADD_MEM_REG beyond 32 regions is refused")
  func addTooManyRegions() throws {
    var session = try Bench.negotiated()
    for index in 0..<32 as Range<UInt64> {
      try session.take(
        Bench.region(.addMemoryRegion, Bench.place(index * 0x1000, 0x1000)), descriptors: 1)
    }
    #expect(throws: SessionFault.tooManyRegions(33)) {
      try session.take(
        Bench.region(.addMemoryRegion, Bench.place(0x100000, 0x1000)), descriptors: 1)
    }
  }

  @Test("ADD_MEM_REG without its protocol feature is refused")
  func addRegionNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.addMemoryRegion)) {
      try session.take(Bench.region(.addMemoryRegion, Bench.place(0, 0x1000)), descriptors: 1)
    }
  }

  @Test("REM_MEM_REG removes the region of the same addresses and size, whatever the offset")
  func removeRegion() throws {
    var session = try Bench.running()
    let region = session.regions[0]
    let message = Bench.region(.removeMemoryRegion, Bench.place(0, 0x1000, offset: 77))
    #expect(try session.take(message) == .regionRemoved(region))
    #expect(session.regions.isEmpty)
  }

  @Test("REM_MEM_REG with one descriptor, as old front ends send it, is taken")
  func removeRegionWithDescriptor() throws {
    var session = try Bench.running()
    try session.take(
      Bench.region(.removeMemoryRegion, Bench.place(0, 0x1000)), descriptors: 1)
    #expect(session.regions.isEmpty)
  }

  @Test("REM_MEM_REG received again answers as the first time")
  func removeRegionAgain() throws {
    var session = try Bench.running()
    let message = Bench.region(.removeMemoryRegion, Bench.place(0, 0x1000))
    let first = try session.take(message)
    #expect(try session.take(message) == first)
  }

  @Test("REM_MEM_REG of a region that is not there is refused")
  func removeUnknownRegion() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.unknownRegion) {
      try session.take(Bench.region(.removeMemoryRegion, Bench.place(0, 0x2000)))
    }
  }

  @Test("REM_MEM_REG with two descriptors is refused")
  func removeRegionWithTwoDescriptors() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.descriptorCount(2, expected: 0)) {
      try session.take(
        Bench.region(.removeMemoryRegion, Bench.place(0, 0x1000)), descriptors: 2)
    }
  }

  @Test("A single region of the wrong size is refused")
  func singleRegionSize() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.payloadSize(37, 32)) {
      try session.take(
        Message(.addMemoryRegion, payload: [UInt8](repeating: 1, count: 32)), descriptors: 1)
    }
  }
}
