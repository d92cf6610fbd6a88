import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A split ring takes chains apart as VIRTIO 1.2 section 2.7 says")
struct ChainTests {
  @Test("An empty ring lends nothing")
  func empty() throws {
    #expect(try Rig().take() == nil)
  }

  @Test("A chain of readable and writable buffers is listed in order")
  func order() throws {
    let rig = try Rig()
    let (source, target) = (rig.memory.source([1, 2, 3]), rig.memory.target(5))
    _ = rig.driver.offer([source, target])
    rig.driver.publish()
    var ring = try rig.ring()
    var segments = Segments()
    let loan = try ring.take(&segments)
    loan.forfeit()
    #expect(segments.count == 2)
    #expect(segments[0] == source)
    #expect(segments[1] == target)
    #expect(segments.readableBytes == 3)
    #expect(segments.writableBytes == 5)
  }

  @Test("A used chain comes back with its head and the bytes written")
  func roundTrip() throws {
    let rig = try Rig()
    let head = try #require(rig.driver.offer([rig.memory.target(64)]))
    rig.driver.publish()
    var ring = try rig.ring()
    _ = try serve(&ring)
    #expect(try rig.driver.reapAll() == [Completion(head: head, written: 64)])
  }

  @Test("Indices wrap at 65536 without loss")
  func wraps() throws {
    let rig = try Rig(4)
    var ring = try rig.ring()
    var completed = 0
    for _ in 0..<33_000 {
      _ = rig.driver.offer([rig.memory.region(at: 0, 8)])
      _ = rig.driver.offer([rig.memory.region(at: 8, 8)])
      rig.driver.publish()
      _ = try serve(&ring)
      completed += try rig.driver.reapAll().count
    }
    #expect(completed == 66_000)
  }

  @Test("A chain as long as the queue is accepted")
  func longest() throws {
    let rig = try Rig(8)
    _ = rig.driver.offer((0..<8).map { _ in rig.memory.target(1) })
    rig.driver.publish()
    #expect(try rig.take() == 8)
  }

  @Test("A list made for few segments grows for a long chain")
  func grows() throws {
    let rig = try Rig(256)
    _ = rig.driver.offer((0..<200).map { _ in rig.memory.target(1) })
    rig.driver.publish()
    var ring = try rig.ring()
    var segments = Segments(capacity: 1)
    let loan = try ring.take(&segments)
    loan.forfeit()
    #expect(segments.count == 200)
    #expect(segments.writableBytes == 200)
  }

  @Test("2.7.5.3: an indirect table is followed")
  func table() throws {
    let rig = try Rig()
    _ = rig.driver.offerTable([rig.memory.source([1]), rig.memory.target(2)])
    rig.driver.publish()
    #expect(try rig.take() == 2)
  }

  @Test("2.7.5.3.2: direct descriptors may precede the one of a table")
  func directThenTable() throws {
    let rig = try Rig()
    let table = rig.memory.table([rig.memory.target(4), rig.memory.target(4)])
    rig.driver.setDescriptor(0, to: rig.memory.source([1]), next: 1)
    rig.driver.set(
      1, address: table.address.rawValue, count: 32, flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(try rig.take() == 3)
  }

  @Test("2.7.5.3.2: the WRITE flag of a table's descriptor is ignored")
  func writableTable() throws {
    let rig = try Rig()
    let table = rig.memory.table([rig.memory.source([1, 2])])
    rig.driver.set(
      0, address: table.address.rawValue, count: 16,
      flags: SplitLayout.isTable | SplitLayout.isWritable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(try rig.take() == 1)
  }

  @Test("A table at an odd address is followed: no alignment is demanded of it")
  func oddTable() throws {
    let rig = try Rig()
    let table = rig.memory.allocate(64) + 3
    let content = rig.memory.bytes.bytes(
      at: rig.memory.offset(of: rig.memory.table([rig.memory.source([7])]).address), byteCount: 16)
    rig.memory.bytes.setBytes(content, at: table)
    rig.driver.set(
      0, address: rig.memory.guestAddress(of: table).rawValue, count: 16,
      flags: SplitLayout.isTable, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(try rig.take() == 1)
  }

  @Test("Buffers of 2^32 bytes together are accepted, wherever they are")
  func largest() throws {
    let rig = try Rig()
    rig.driver.set(0, address: 0, count: .max, flags: 3, next: 1)
    rig.driver.set(1, address: 0, count: 1, flags: 2, next: 0)
    rig.driver.offerRaw(head: 0)
    #expect(try rig.take() == 2)
  }
}

extension DriverMemory {
  /// A buffer at a fixed place that allocates nothing.
  func region(at offset: Int, _ count: UInt32) -> Segment {
    Segment(address: guestAddress(of: offset + 65536), count: count, isWritable: true)
  }

  /// An indirect table in memory, not yet referred to.
  func table(_ segments: [Segment]) -> Segment {
    let start = allocate(16 * segments.count)
    let words = bytes.window(at: start, byteCount: 16 * segments.count)
    for (place, segment) in segments.enumerated() {
      let isLast = place + 1 == segments.count
      SplitDriver.write(
        segment.address.rawValue, segment.count,
        (segment.isWritable ? SplitLayout.isWritable : 0)
          | (isLast ? 0 : SplitLayout.continues),
        isLast ? 0 : UInt16(place + 1), to: words, at: 16 * place)
    }
    return Segment(
      address: guestAddress(of: start), count: UInt32(16 * segments.count), isWritable: false)
  }
}
