import EngineLink
import LinuxSystem
import SharedMemory
import Testing

@Suite("The record of a live device")
struct RecordTests {
  let record: DeviceRecord
  /// The same file as somebody hostile has it.
  let raw: SharedWindow
  private let file: SharedFile

  init() throws {
    record = try DeviceRecord.make(queueCount: 2)
    let byteCount = Int(try facts(of: record.file).byteCount)
    file = try SharedFile(mapping: record.file, byteCount: byteCount, writable: true)
    raw = file.window(at: 0, byteCount: 4096)
  }

  @Test("A new record is empty")
  func empty() {
    #expect(record.queueCount == 2)
    #expect(!record.isConnected && !record.isRunning)
    #expect(record.lines.isEmpty)
    #expect(record.fault == nil)
    #expect(record.queue(1).state == .stopped)
  }

  @Test("What one process writes down another one reads")
  func shared() throws {
    let other = try DeviceRecord(record.file)
    record.isConnected = true
    record.isRunning = true
    record.acked = .max
    record.consumed = 7
    record.fault = "queue 0: ä"
    record.lines = ["session 1", "owner 1"]
    record.queue(1).state = .faulted
    record.queue(1).availableIndex = 0xffff
    #expect(other.isConnected && other.isRunning)
    #expect(other.acked == .max)
    #expect(other.consumed == 7)
    #expect(other.fault == "queue 0: ä")
    #expect(other.lines == ["session 1", "owner 1"])
    #expect(other.queue(1).state == .faulted)
    #expect(other.queue(1).availableIndex == 0xffff)
    #expect(other.queue(0).state == .stopped)
  }

  @Test("Queues and counters share no word")
  func apart() throws {
    let record = try DeviceRecord.make(queueCount: DeviceRecord.queueCountMax)
    for index in 0..<DeviceRecord.queueCountMax {
      let queue = record.queue(index)
      queue.kicks = UInt64(index) + 1
      queue.log.storeRelaxed(UInt64.max, at: 0)
      queue.log.storeRelaxed(UInt64.max, at: 16 * DeviceRecord.queueSizeMax + 8)
    }
    for index in 0..<DeviceRecord.countersMax {
      record.counters.storeRelaxed(UInt64.max, at: 8 * index)
    }
    #expect((0..<64).allSatisfy { record.queue($0).kicks == UInt64($0) + 1 })
    #expect(record.lines.isEmpty)
    #expect(record.fault == nil)
  }

  @Test("Lines follow each other, each set whole")
  func lines() {
    for round in 0..<20 {
      record.lines = (0...round).map { "line \($0)" }
      #expect(record.lines.count == round + 1)
    }
  }

  @Test("Whoever dies before lines are complete leaves the ones before", arguments: [1, 2])
  func atomicLines(_ times: Int) {
    for time in 0..<times { record.lines = ["old \(time)"] }
    let old = record.lines
    // The copy that does not count is where the next lines are written.
    let next = raw.relaxed64(at: 104) &+ 1
    file.setBytes([UInt8](repeating: 0x78, count: 64), at: 4096 + Int(next & 1) * 32 * 1024)
    #expect(record.lines == old)
  }

  @Test("No lines are other ones than lines")
  func noLines() {
    record.lines = ["one"]
    record.lines = []
    #expect(record.lines.isEmpty)
  }

  @Test("As many bytes of lines as allowed are kept")
  func longLines() {
    record.lines = [String(repeating: "x", count: DeviceRecord.textByteCountMax)]
    #expect(record.lines.first?.utf8.count == DeviceRecord.textByteCountMax)
  }

  @Test("A long fault is cut, and counted")
  func longFault() {
    record.fault = String(repeating: "x", count: 5000)
    #expect(record.fault?.utf8.count == 1000)
    #expect(record.faultCount == 1)
    record.fault = nil
    #expect(record.fault == nil)
    #expect(record.faultCount == 1)
  }

  @Test("The file cannot be made smaller or larger by anybody")
  func sealed() {
    #expect(throws: Errno.notPermitted) { try resize(record.file, to: 0) }
    #expect(throws: Errno.notPermitted) { try resize(record.file, to: 1 << 30) }
  }

  @Test("A number of queues out of range makes no record", arguments: [-1, 0, 65])
  func queueCount(_ count: Int) {
    #expect(throws: Errno.invalid) { try DeviceRecord.make(queueCount: count) }
  }

  @Test("Files that are no record are refused", arguments: [0, 1, 4096, 69632, 102_400, 1 << 20])
  func foreign(_ byteCount: Int) throws {
    let file = try makeMemoryFile("foreign", byteCount: byteCount)
    #expect(throws: Errno.stale) { try DeviceRecord(file) }
  }

  @Test("What is no file is refused")
  func noFile() throws {
    let ends = try makeStreamPair()
    #expect(throws: Errno.stale) { try DeviceRecord(ends.0) }
  }

  @Test("A record of another version, magic or number of queues is refused", arguments: [0, 8, 12])
  func header(_ offset: Int) {
    raw.storeRelaxed(UInt32(3), at: offset)
    #expect(throws: Errno.stale) { try DeviceRecord(record.file) }
  }

  @Test("Counts of a hostile record are bounded")
  func hostileCounts() throws {
    record.fault = "x"
    record.lines = ["x"]
    raw.storeRelaxed(UInt32.max, at: 84)
    raw.storeRelaxed(UInt64.max, at: 104)
    file.setBytes([0xff, 0xff, 0xff, 0xff], at: 4096 + 32 * 1024)
    #expect(try #require(record.fault).utf8.count <= 3000)
    #expect(record.lines.map(\.utf8.count).reduce(0, +) <= 3 * DeviceRecord.textByteCountMax)
  }

  @Test("A state that does not exist is read as stopped")
  func hostileState() {
    record.queue(0).state = .running
    file.setBytes([9, 0, 0, 0], at: 69632 + 4)
    #expect(record.queue(0).state == .stopped)
  }
}
