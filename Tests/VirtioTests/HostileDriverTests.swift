import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A split ring refuses each broken rule of VIRTIO 1.2 section 2.7")
struct HostileDriverTests {
  @Test("2.7.5: a head outside of the descriptor table")
  func headOutside() throws {
    let rig = try Rig(8)
    rig.driver.offerRaw(head: 8)
    #expect(throws: RingFault.noSuchDescriptor(8)) { try rig.take() }
  }

  @Test("2.7.5: a next outside of the descriptor table")
  func nextOutside() throws {
    let rig = try Rig(8)
    rig.driver.set(0, address: 0, count: 1, flags: SplitLayout.continues, next: 0xffff)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.noSuchDescriptor(0xffff)) { try rig.take() }
  }

  @Test("2.7.5.2: a chain that loops")
  func loop() throws {
    let rig = try Rig(8)
    rig.driver.set(2, address: 0, count: 1, flags: SplitLayout.continues, next: 3)
    rig.driver.set(3, address: 0, count: 1, flags: SplitLayout.continues, next: 2)
    rig.driver.offerRaw(head: 2)
    #expect(throws: RingFault.chainLoops(head: 2)) { try rig.take() }
  }

  @Test("2.7.5.2: a chain of more than 2^32 bytes")
  func tooLong() throws {
    let rig = try Rig(8)
    rig.driver.set(0, address: 0, count: .max, flags: SplitLayout.continues, next: 1)
    rig.driver.set(1, address: 0, count: 2, flags: 0, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.chainTooLong) { try rig.take() }
  }

  @Test("2.7.4.2: a readable buffer after a writable one")
  func readableLast() throws {
    let rig = try Rig(8)
    rig.driver.setDescriptor(0, to: rig.memory.target(1), next: 1)
    rig.driver.setDescriptor(1, to: rig.memory.source([1]))
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.readableAfterWritable) { try rig.take() }
  }

  @Test("2.7.4.2: a readable buffer after a writable one, in a table")
  func readableLastInTable() throws {
    let rig = try Rig(8)
    _ = rig.driver.offerTable([rig.memory.target(1), rig.memory.source([1])])
    rig.driver.publish()
    #expect(throws: RingFault.readableAfterWritable) { try rig.take() }
  }

  @Test("2.7.5: flags that a split ring does not have", arguments: [8, 0x80, 0x8000, 0xffff])
  func flags(_ flags: UInt16) throws {
    let rig = try Rig(8)
    rig.driver.set(0, address: 0, count: 1, flags: flags, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.unknownFlags(flags)) { try rig.take() }
  }

  @Test("2.7.5.3.1: a table that was not negotiated")
  func tableNotNegotiated() throws {
    let rig = try Rig(8, features: [.version1])
    _ = rig.driver.offerTable([rig.memory.target(1)])
    rig.driver.publish()
    #expect(throws: RingFault.indirectNotNegotiated) { try rig.take() }
  }

  @Test("2.7.5.3.1: a table in a table")
  func nested() throws {
    let rig = try Rig(8)
    let inner = rig.memory.allocate(16)
    SplitDriver.write(
      0, 16, SplitLayout.isTable, 0,
      to: rig.memory.bytes.window(at: inner, byteCount: 16), at: 0)
    rig.driver.set(
      0, address: rig.memory.guestAddress(of: inner).rawValue, count: 16,
      flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.nestedTable) { try rig.take() }
  }

  @Test("2.7.5.3.1: a descriptor with both INDIRECT and NEXT")
  func tableContinues() throws {
    let rig = try Rig(8)
    let table = rig.memory.table([rig.memory.target(1)])
    rig.driver.set(
      0, address: table.address.rawValue, count: 16,
      flags: SplitLayout.isTable | SplitLayout.continues, next: 1)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.tableContinues) { try rig.take() }
  }

  @Test("2.7.5.3: a table of no whole descriptors", arguments: [0, 1, 15, 17, 0xffff_ffff])
  func tableSize(_ count: UInt32) throws {
    let rig = try Rig(8)
    let table = rig.memory.table([rig.memory.target(1)])
    rig.driver.set(
      0, address: table.address.rawValue, count: count, flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.tableSize(count)) { try rig.take() }
  }

  @Test("2.7.5.3: a next outside of the table")
  func tableNext() throws {
    let rig = try Rig(8)
    let table = rig.memory.allocate(16)
    SplitDriver.write(
      0, 1, SplitLayout.continues, 1,
      to: rig.memory.bytes.window(at: table, byteCount: 16), at: 0)
    rig.driver.set(
      0, address: rig.memory.guestAddress(of: table).rawValue, count: 16,
      flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.noSuchDescriptor(1)) { try rig.take() }
  }

  @Test("2.7.5.3.1: a chain longer than the queue through a table")
  func longTable() throws {
    let rig = try Rig(4)
    _ = rig.driver.offerTable((0..<5).map { _ in rig.memory.target(1) })
    rig.driver.publish()
    #expect(throws: RingFault.chainLoops(head: 0)) { try rig.take() }
  }

  @Test("A table outside of the guest's memory")
  func tableOutside() throws {
    let rig = try Rig(8)
    rig.driver.set(0, address: 0x1000, count: 16, flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.memory(.outside(address: 0x1000, byteCount: 16))) {
      try rig.take()
    }
  }

  @Test("A table whose addresses wrap around the end of the address space")
  func tableWraps() throws {
    let rig = try Rig(8)
    let address = UInt64.max - 7
    rig.driver.set(0, address: address, count: 16, flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(throws: RingFault.memory(.outside(address: address, byteCount: 16))) {
      try rig.take()
    }
  }

  @Test("2.7.13.3: an available index further ahead than the queue is long")
  func tooMany() throws {
    let rig = try Rig(8)
    rig.driver.offerRaw(head: 0, at: 8)
    #expect(throws: RingFault.offersMoreThanItHolds(9)) { try rig.take() }
  }

  @Test("2.7.6.1: an available index that goes back")
  func goesBack() throws {
    let rig = try Rig(8)
    rig.driver.available.storeRelease(UInt16.max, at: SplitLayout.index)
    #expect(throws: RingFault.offersMoreThanItHolds(.max)) { try rig.take() }
  }

  @Test("More chains offered while the device still has as many as fit")
  func overcommits() throws {
    let rig = try Rig(2)
    _ = rig.offer(2)
    var ring = try rig.ring()
    var segments = Segments()
    let first = try ring.take(&segments)
    let second = try ring.take(&segments)
    first.forfeit()
    second.forfeit()
    rig.driver.offerRaw(head: 0, at: 2)
    let fault = Self.refusal(&ring)
    #expect(fault == RingFault.offersMoreThanItHolds(1))
  }

  @Test("A refused chain leaves the ring where it broke")
  func staysPut() throws {
    let rig = try Rig(8)
    rig.driver.offerRaw(head: 9)
    var ring = try rig.ring()
    let fault = Self.refusal(&ring)
    #expect(fault == .noSuchDescriptor(9))
    let takenOfring = ring.taken
    #expect(takenOfring == 0)
    let publishedOfring = ring.published
    #expect(publishedOfring == 0)
  }

  @Test("2.7.13: a chain offered twice, noticed by the log")
  func twice() throws {
    let rig = try Rig(8)
    rig.driver.setDescriptor(3, to: rig.memory.target(1))
    rig.driver.offerRaw(head: 3, at: 0)
    rig.driver.offerRaw(head: 3, at: 1)
    var ring = try rig.loggedRing()
    var segments = Segments()
    let loan = try ring.take(&segments)
    loan.forfeit()
    let fault = Self.refusal(&ring)
    #expect(fault == RingFault.offeredTwice(head: 3))
  }

  @Test("2.7: areas that are misaligned", arguments: [1, 8])
  func misaligned(_ offset: UInt64) throws {
    let rig = try Rig(8)
    let addresses = SplitAddresses(
      descriptors: rig.driver.addresses.descriptors + offset,
      available: rig.driver.addresses.available, used: rig.driver.addresses.used)
    #expect(
      throws: RingFault.misplaced(.descriptors, .misaligned(address: addresses.descriptors))
    ) { try Self.make(rig, addresses) }
  }

  @Test("2.7: an available ring at an odd address")
  func oddAvailable() throws {
    let rig = try Rig(8)
    let addresses = SplitAddresses(
      descriptors: rig.driver.addresses.descriptors,
      available: rig.driver.addresses.available + 1, used: rig.driver.addresses.used)
    #expect(throws: RingFault.misplaced(.available, .misaligned(address: addresses.available))) {
      try Self.make(rig, addresses)
    }
  }

  @Test("2.7: a used ring at no multiple of four")
  func oddUsed() throws {
    let rig = try Rig(8)
    let addresses = SplitAddresses(
      descriptors: rig.driver.addresses.descriptors,
      available: rig.driver.addresses.available, used: rig.driver.addresses.used + 2)
    #expect(throws: RingFault.misplaced(.used, .misaligned(address: addresses.used))) {
      try Self.make(rig, addresses)
    }
  }

  @Test("A used ring that ends behind the guest's memory")
  func usedBeyond() throws {
    let rig = try Rig(8)
    let region = rig.memory.region
    let addresses = SplitAddresses(
      descriptors: rig.driver.addresses.descriptors,
      available: rig.driver.addresses.available,
      used: region.userAddress + region.byteCount - 8)
    #expect(throws: RingFault.misplaced(.used, .divided(address: addresses.used))) {
      try Self.make(rig, addresses)
    }
  }

  @Test("A queue size that is no power of two, zero, or too large", arguments: [0, 3, 65536, -1])
  func sizes(_ count: Int) {
    #expect(QueueSize(count) == nil)
  }

  private static func refusal(_ ring: inout SplitRing) -> RingFault? {
    var segments = Segments()
    do {
      if let loan = try ring.next(&segments) { loan.forfeit() }
      return nil
    } catch { return error }
  }

  private static func make(_ rig: Rig, _ addresses: SplitAddresses) throws(RingFault) {
    _ = try SplitRing(
      size: rig.driver.size, at: addresses, memory: rig.guest, start: 0, features: .splitRing)
  }
}
