import Devices
import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A disk reads and writes as VIRTIO 1.2 section 5.2.6 says")
struct ReadWriteTests {
  @Test("A read brings the sectors it names")
  func reads() throws {
    let disk = try Disk()
    disk.image.setBytes(sectorOf(7, 2), at: 512 * 3)
    let data = disk.memory.target(1024)
    #expect(try disk.request(0, sector: 3, [data]) == 0)
    #expect(disk.memory.content(of: data) == sectorOf(7, 2))
  }

  @Test("A write changes the sectors it names and no other")
  func writes() throws {
    let disk = try Disk()
    #expect(try disk.request(1, sector: 63, [disk.memory.source(sectorOf(5))]) == 0)
    #expect(disk.sector(63) == sectorOf(5))
    #expect(disk.sector(62) == sectorOf(0))
  }

  @Test("2.7.8.2: the length told counts data and status")
  func written() throws {
    let disk = try Disk()
    let chain = [disk.header(0), disk.memory.target(512), disk.memory.target(1)]
    #expect(try disk.serve(chain)?.written == 513)
  }

  @Test("2.7.4.1: a request cut into single bytes is understood")
  func cut() throws {
    let disk = try Disk()
    disk.image.setBytes(sectorOf(9), at: 512)
    let header = Disk.headerBytes(0, 1).map { disk.memory.source([$0]) }
    let (data, status) = (disk.memory.target(512), disk.memory.target(1))
    _ = try disk.serve(header + [data, status])
    #expect(disk.memory.content(of: data) == sectorOf(9))
    #expect(disk.memory.content(of: status) == [0])
  }

  @Test("2.7.4.1: a status in the same buffer as the data is its last byte")
  func joinedStatus() throws {
    let disk = try Disk()
    disk.image.setBytes(sectorOf(9), at: 0)
    let data = disk.memory.target(513)
    _ = try disk.serve([disk.header(0), data])
    #expect(disk.memory.content(of: data) == sectorOf(9) + [0])
  }

  @Test("2.7.4.1: a header in the same buffer as the data is its first 16 bytes")
  func joinedHeader() throws {
    let disk = try Disk()
    let both = disk.memory.source(Disk.headerBytes(1, 2) + sectorOf(4))
    let status = disk.memory.target(1)
    _ = try disk.serve([both, status])
    #expect(disk.memory.content(of: status) == [0])
    #expect(disk.sector(2) == sectorOf(4))
  }

  @Test("Empty buffers anywhere change nothing")
  func emptyBuffers() throws {
    let disk = try Disk()
    let empty = Segment(address: GuestAddress(0), count: 0, isWritable: false)
    let emptyTarget = Segment(address: GuestAddress(0), count: 0, isWritable: true)
    let status = disk.memory.target(1)
    let chain = [
      empty, disk.header(1, 2), empty, disk.memory.source(sectorOf(4)), emptyTarget, status,
    ]
    _ = try disk.serve(chain)
    #expect(disk.memory.content(of: status) == [0])
    #expect(disk.sector(2) == sectorOf(4))
  }

  @Test("More parts than the scratch list holds are moved in pieces")
  func manyParts() throws {
    let disk = try Disk()
    disk.image.setBytes(sectorOf(3, 64), at: 0)
    let pieces = (0..<29).map { _ in disk.memory.target(512) }
    #expect(try disk.request(0, pieces) == 0)
    #expect(disk.memory.content(of: pieces[28]) == sectorOf(3))
  }

  @Test(
    "5.2.6.1: beyond the capacity is IOERR, and nothing is moved",
    arguments: [64, 63, 65, .max, .max / 512, 1 << 55] as [UInt64])
  func beyond(_ sector: UInt64) throws {
    let disk = try Disk()
    #expect(try disk.request(0, sector: sector, [disk.memory.target(1024)]) == 1)
    #expect(try disk.request(1, sector: sector, [disk.memory.source(sectorOf(1, 2))]) == 1)
    #expect(disk.sector(63) == sectorOf(0))
  }

  @Test("5.2.6.1: data of no whole sectors is IOERR", arguments: [1, 511, 513] as [Int])
  func partial(_ count: Int) throws {
    let disk = try Disk()
    #expect(try disk.request(0, [disk.memory.target(count)]) == 1)
    let source = disk.memory.source([UInt8](repeating: 1, count: count))
    #expect(try disk.request(1, [source]) == 1)
    #expect(disk.sector(0) == sectorOf(0))
  }

  @Test("5.2.6.2: a write to a read-only disk is IOERR and writes nothing")
  func readOnly() throws {
    let disk = try Disk(["read_only": "1"])
    #expect(try disk.request(1, [disk.memory.source(sectorOf(1))]) == 1)
    #expect(disk.sector(0) == sectorOf(0))
  }

  @Test(
    "5.2.6.2: an unknown type is UNSUPP", arguments: [2, 3, 5, 10, 14, 1 << 31, .max] as [UInt32])
  func unknownType(_ type: UInt32) throws {
    #expect(try Disk().request(type) == 2)
  }

  @Test("A failed read leaves zeros, not what lay in the buffer")
  func failedReadIsZero() throws {
    let disk = try Disk()
    let data = disk.memory.target(512)
    _ = try disk.request(0, sector: 64, [data])
    #expect(disk.memory.content(of: data) == sectorOf(0))
  }

  @Test("A header of less than 16 bytes is IOERR")
  func shortHeader() throws {
    let disk = try Disk()
    let status = disk.memory.target(1)
    _ = try disk.serve([disk.memory.source([UInt8](repeating: 0, count: 15)), status])
    #expect(disk.memory.content(of: status) == [1])
  }

  @Test("A chain without room for a status stops the queue")
  func noStatus() throws {
    let disk = try Disk()
    #expect(throws: RingFault.noRoomForAnswer) { try disk.serve([disk.header(4)]) }
  }

  @Test("A buffer outside of the guest's memory stops the queue")
  func outside() throws {
    let disk = try Disk()
    let nowhere = Segment(address: GuestAddress(0x10), count: 512, isWritable: true)
    #expect(throws: RingFault.memory(.outside(address: 0x10, byteCount: 512))) {
      try disk.serve([disk.header(0), nowhere, disk.memory.target(1)])
    }
  }

  @Test("What a stopped request had gathered does not leak into the next one")
  func noLeftovers() throws {
    let disk = try Disk()
    let kept = disk.memory.target(512)
    let nowhere = Segment(address: GuestAddress(0x10), count: 512, isWritable: true)
    var ring = try disk.ring()
    _ = disk.driver.offer([disk.header(0), kept, nowhere, disk.memory.target(1)])
    disk.driver.publish()
    #expect(throws: RingFault.self) {
      _ = try disk.model.serve(queue: 0, &ring, disk.guest, budget: 1)
    }
    disk.fill(6)
    let (data, status) = (disk.memory.target(512), disk.memory.target(1))
    _ = disk.driver.offer([disk.header(0), data, status])
    disk.driver.publish()
    var next = try disk.ring(start: 1)
    _ = try disk.model.serve(queue: 0, &next, disk.guest, budget: 1)
    #expect(disk.memory.content(of: data) == sectorOf(6))
    #expect(disk.memory.content(of: kept) == [UInt8](repeating: 0xee, count: 512))
  }

  @Test("A file cut shorter than the disk is IOERR beyond its end")
  func cutFile() throws {
    let disk = try Disk()
    try resize(disk.file, to: 512)
    #expect(try disk.request(0, [disk.memory.target(512)]) == 0)
    #expect(try disk.request(0, [disk.memory.target(1024)]) == 1)
  }

  @Test("A null disk reads zeros and takes writes")
  func null() throws {
    let disk = try Disk(["backend": "null"])
    let data = disk.memory.target(512)
    #expect(try disk.request(1, [disk.memory.source(sectorOf(1))]) == 0)
    #expect(try disk.request(0, [data]) == 0)
    #expect(disk.memory.content(of: data) == sectorOf(0))
  }

  @Test("The budget ends a turn with more to do")
  func budget() throws {
    let disk = try Disk()
    for _ in 0..<3 { _ = disk.driver.offer([disk.header(4), disk.memory.target(1)]) }
    disk.driver.publish()
    var ring = try disk.ring()
    let first = try disk.model.serve(queue: 0, &ring, disk.guest, budget: 2)
    let second = try disk.model.serve(queue: 0, &ring, disk.guest, budget: 2)
    #expect(first == .more)
    #expect(second == .drained)
    #expect(try disk.driver.reapAll().count == 3)
  }

  @Test("Counters count what was done, and errors apart")
  func counters() throws {
    let disk = try Disk()
    _ = try disk.request(0, [disk.memory.target(1024)])
    _ = try disk.request(1, [disk.memory.source(sectorOf(1))])
    _ = try disk.request(4)
    _ = try disk.request(11, [disk.memory.source(Disk.range(0, 2))])
    _ = try disk.request(13, [disk.memory.source(Disk.range(0, 3))])
    _ = try disk.request(99)
    _ = try disk.request(0, sector: 64, [disk.memory.target(512)])
    let counts = BlkCounter.allCases.map { disk.counter($0) }
    #expect(counts == [1, 1024, 1, 512, 1, 1, 1024, 1, 1536, 2])
  }

  @Test("The counters have the names and the order of the class's table")
  func counterNames() {
    #expect(BlkCounter.allCases.map(\.name) == blkClass.counters.map(\.name))
  }
}
