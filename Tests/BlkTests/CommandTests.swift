import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A disk flushes, identifies itself and gives blocks back (VIRTIO 1.2 section 5.2.6)")
struct CommandTests {
  /// A file that takes writes and cannot make them stable: fdatasync(2) answers EINVAL.
  static func unstable() throws -> Descriptor { try open("/dev/null", .readWrite) }

  @Test("A flush that reaches stable storage is OK")
  func flush() throws {
    #expect(try Disk().request(4) == 0)
  }

  @Test("A flush that does not reach stable storage is IOERR")
  func flushFails() throws {
    #expect(try Disk(on: Self.unstable()).request(4) == 1)
  }

  @Test("With FLUSH negotiated a write completes without being stable")
  func writeback() throws {
    let disk = try Disk(on: Self.unstable())
    #expect(try disk.request(1, [disk.memory.source(sectorOf(1))]) == 0)
  }

  @Test("5.2.6.2: with neither FLUSH nor CONFIG_WCE a write is stable when it completes")
  func noFlush() throws {
    let disk = try Disk(on: Self.unstable(), acked: [.version1])
    #expect(try disk.request(1, [disk.memory.source(sectorOf(1))]) == 1)
  }

  @Test("5.2.6.2: with writeback 0 a write is stable when it completes")
  func writeThrough() throws {
    let disk = try Disk(on: Self.unstable())
    #expect(disk.model.writeConfiguration(at: 32, [0]))
    #expect(try disk.request(1, [disk.memory.source(sectorOf(1))]) == 1)
  }

  @Test("5.2.5.2: with CONFIG_WCE and without FLUSH writeback starts as 0")
  func startsWriteThrough() throws {
    let disk = try Disk(acked: [.version1, .blkConfigWriteCache])
    #expect(disk.model.configuration[32] == 0)
  }

  @Test("writeback reads back as written")
  func writebackReadsBack() throws {
    let disk = try Disk()
    #expect(disk.model.configuration[32] == 1)
    #expect(disk.model.writeConfiguration(at: 32, [0]))
    #expect(disk.model.configuration[32] == 0)
  }

  @Test("No other byte of the configuration space is written, and no other value")
  func readOnlySpace() throws {
    let disk = try Disk()
    let before = disk.model.configuration
    #expect(!disk.model.writeConfiguration(at: 0, [1]))
    #expect(!disk.model.writeConfiguration(at: 32, [2]))
    #expect(!disk.model.writeConfiguration(at: 32, [1, 0]))
    #expect(!disk.model.writeConfiguration(at: 32, []))
    #expect(!disk.model.writeConfiguration(at: -1, [0]))
    #expect(disk.model.configuration == before)
  }

  @Test("writeback is not written unless CONFIG_WCE was negotiated")
  func notNegotiatedCache() throws {
    let disk = try Disk(acked: [.version1, .blkFlush])
    #expect(!disk.model.writeConfiguration(at: 32, [0]))
  }

  @Test("The configuration space has the fields of struct virtio_blk_config")
  func configuration() throws {
    let disk = try Disk(["block_size": "1024", "num_queues": "3"])
    let expected: [UInt8] = [
      64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 126, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0,
      2, 0, 4, 0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 64, 0, 16, 0, 0, 0, 2, 0, 0, 0,
      0, 128, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0,
    ]
    #expect(disk.model.configuration == expected)
  }

  @Test("The features are those that the class's table offers for the same values")
  func features() throws {
    for values in [
      ["read_only": "0", "num_queues": "1"], ["read_only": "1", "num_queues": "1"],
      ["read_only": "0", "num_queues": "2"],
    ] { #expect(try Disk(values).model.features == blkClass.offerable(values)) }
  }

  @Test("The serial is padded with NUL bytes")
  func serial() throws {
    let disk = try Disk(["serial": "abc"])
    let data = disk.memory.target(20)
    #expect(try disk.request(8, [data]) == 0)
    #expect(
      disk.memory.content(of: data) == [97, 98, 99] + [UInt8](repeating: 0, count: 17))
  }

  @Test("A serial of 20 bytes has no NUL byte")
  func longSerial() throws {
    let disk = try Disk(["serial": "abcdefghijklmnopqrst"])
    let data = disk.memory.target(20)
    #expect(try disk.request(8, [data]) == 0)
    #expect(disk.memory.content(of: data) == Array("abcdefghijklmnopqrst".utf8))
  }

  @Test("5.2.6.1: less room than 20 bytes for the serial is IOERR")
  func noRoomForSerial() throws {
    let disk = try Disk(["serial": "abc"])
    #expect(try disk.request(8, [disk.memory.target(19)]) == 1)
  }

  @Test("Discarded sectors may read as zeros, and those beside them stay")
  func discard() throws {
    let disk = try Disk()
    disk.fill(1)
    #expect(try disk.request(11, [disk.memory.source(Disk.range(8, 8))]) == 0)
    #expect(disk.sector(7) == sectorOf(1))
    #expect(disk.sector(16) == sectorOf(1))
  }

  @Test("Zeroed sectors read as zeros with unmap and without", arguments: [0, 1] as [UInt32])
  func writeZeroes(_ flags: UInt32) throws {
    let disk = try Disk()
    disk.fill(1)
    let ranges = Disk.range(1, 1, flags: flags) + Disk.range(9, 2, flags: flags)
    #expect(try disk.request(13, [disk.memory.source(ranges)]) == 0)
    #expect(disk.sector(0) == sectorOf(1))
    #expect(disk.sector(1) == sectorOf(0))
    #expect(disk.sector(2) == sectorOf(1))
    #expect(disk.sector(10) == sectorOf(0))
    #expect(disk.sector(11) == sectorOf(1))
  }

  @Test("5.2.6.2: a discard with unmap is UNSUPP")
  func discardUnmap() throws {
    let disk = try Disk()
    #expect(try disk.request(11, [disk.memory.source(Disk.range(0, 1, flags: 1))]) == 2)
  }

  @Test("5.2.6.2: unknown flags are UNSUPP", arguments: [11, 13] as [UInt32])
  func unknownFlags(_ type: UInt32) throws {
    let disk = try Disk()
    #expect(try disk.request(type, [disk.memory.source(Disk.range(0, 1, flags: 2))]) == 2)
  }

  @Test(
    "A discard or write zeroes that was not negotiated is UNSUPP", arguments: [11, 13] as [UInt32])
  func notNegotiated(_ type: UInt32) throws {
    let disk = try Disk(acked: [.version1, .blkFlush])
    #expect(try disk.request(type, [disk.memory.source(Disk.range(0, 1))]) == 2)
  }

  @Test("On a read-only disk they are IOERR", arguments: [11, 13] as [UInt32])
  func readOnly(_ type: UInt32) throws {
    let disk = try Disk(["read_only": "1"])
    #expect(try disk.request(type, [disk.memory.source(Disk.range(0, 1))]) == 1)
  }

  @Test(
    "A range beyond the capacity is IOERR and the good range before it is not touched",
    arguments: [(64, 1), (63, 2), (.max, 1), (1, .max)] as [(UInt64, UInt32)])
  func beyond(_ sector: UInt64, _ count: UInt32) throws {
    let disk = try Disk()
    disk.fill(1)
    let ranges = Disk.range(0, 1) + Disk.range(sector, count)
    #expect(try disk.request(13, [disk.memory.source(ranges)]) == 1)
    #expect(disk.sector(0) == sectorOf(1))
  }

  @Test("5.2.6.1: no whole ranges, none, or too many are IOERR", arguments: [0, 15, 17, 272])
  func badLength(_ count: Int) throws {
    let disk = try Disk()
    let source = disk.memory.source([UInt8](repeating: 0, count: count))
    #expect(try disk.request(11, [source]) == 1)
  }

  @Test("As many ranges as promised are taken")
  func mostRanges() throws {
    let disk = try Disk()
    let source = disk.memory.source([UInt8](repeating: 0, count: 256))
    #expect(try disk.request(11, [source]) == 0)
  }

  @Test("More sectors to zero than promised are IOERR")
  func tooManySectors() throws {
    let disk = try Disk(["capacity": String(1 << 30)])
    #expect(try disk.request(13, [disk.memory.source(Disk.range(0, (1 << 15) + 1))]) == 1)
  }

  @Test(
    "Values that make no sense are refused",
    arguments: [
      ["capacity": "0"], ["capacity": "513"], ["capacity": "-1"],
      ["capacity": "9223372036854775808"],
      ["block_size": "513"], ["block_size": "256"], ["block_size": "8192"],
      ["num_queues": "0"], ["num_queues": "65"],
    ])
  func badValues(_ values: [String: String]) {
    #expect(throws: ModelRefusal.self) { _ = try Disk(values) }
  }
}
