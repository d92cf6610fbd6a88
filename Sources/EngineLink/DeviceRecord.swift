package import LinuxSystem
package import SharedMemory

/// What an engine writes down of a live device, in a memory file that outlives it.
///
/// Its successor goes on from here with the same connection; control reads counters and states
/// here without a message. Whatever a reader finds is checked: an engine that a guest has broken
/// may have written anything.
///
/// Layout (little-endian), for `queueCount` queues:
///
///     0      magic, version, queue count
///     64     words: connected, running, faults, acked features, messages consumed, lengths
///     512    why the host side is gone, as a sentence
///     1024   the newest fault as a sentence
///     2048   one 64-bit counter for each of the class
///     4096   the session as lines of text, twice; the text selector says which copy counts
///     69632  for each queue: its words, then the log of requests in flight
package final class DeviceRecord {
  /// The queues a device can have.
  package static let queueCountMax = 64
  /// The largest ring; bounds the log of requests in flight.
  package static let queueSizeMax = 1024
  package static let countersMax = 256
  /// What the lines of a session may take together. 64 memory regions and 64 queues fit.
  package static let textByteCountMax = 32 * 1024 - 8

  package let file: Descriptor
  package let queueCount: Int
  private let shared: SharedFile
  private let words: SharedWindow

  private static let magic: UInt64 = 0x3144_5243_4553_5542
  private static let version: UInt32 = 1
  private static let hostFailureOffset = 512
  private static let hostFailureByteCountMax = 500
  private static let faultOffset = 1024
  private static let faultByteCountMax = 1000
  private static let countersOffset = 2048
  private static let textOffset = 4096
  private static let textStride = 32 * 1024
  private static let queuesOffset = textOffset + 2 * textStride
  /// 64 bytes of words, and the log: 16 bytes of head and 16 for each entry.
  private static let queueStride = (64 + 16 + 16 * queueSizeMax + 4095) / 4096 * 4096

  private enum Word {
    static let isConnected = 64
    static let isRunning = 68
    static let faults = 72
    static let isFaulted = 80
    static let faultByteCount = 84
    static let acked = 88
    static let consumed = 96
    static let textSelector = 104
    static let hasHostFailed = 112
    static let hostFailureByteCount = 116
    static let hasClient = 120
  }

  /// Makes an empty record. Pages that nobody touches take no memory.
  package static func make(queueCount: Int) throws(Errno) -> DeviceRecord {
    guard (1...queueCountMax).contains(queueCount) else { throw .invalid }
    let file = try makeMemoryFile("vbusfs-record", byteCount: byteCount(queueCount))
    let shared = try SharedFile(
      mapping: file, byteCount: byteCount(queueCount), writable: true)
    let words = shared.window(at: 0, byteCount: textOffset)
    words.storeRelaxed(version, at: 8)
    words.storeRelaxed(UInt32(queueCount), at: 12)
    words.storeRelease(magic, at: 0)
    return DeviceRecord(file, shared, words, queueCount: queueCount)
  }

  private init(
    _ file: Descriptor, _ shared: SharedFile, _ words: SharedWindow, queueCount: Int
  ) {
    self.file = file
    self.shared = shared
    self.words = words
    self.queueCount = queueCount
  }

  /// Maps a record; `.stale` when the file is none that this program understands.
  package init(_ file: Descriptor) throws(Errno) {
    self.file = file
    let size = try facts(of: file).byteCount
    guard let byteCount = Int(exactly: size), byteCount > Self.queuesOffset else { throw .stale }
    shared = try SharedFile(mapping: file, byteCount: byteCount, writable: true)
    words = shared.window(at: 0, byteCount: Self.textOffset)
    queueCount = Int(words.relaxed32(at: 12))
    guard words.acquire64(at: 0) == Self.magic, words.relaxed32(at: 8) == Self.version,
      (1...Self.queueCountMax).contains(queueCount), byteCount == Self.byteCount(queueCount)
    else { throw .stale }
  }

  private static func byteCount(_ queueCount: Int) -> Int {
    queuesOffset + queueCount * queueStride
  }

  // MARK: States

  package var isConnected: Bool {
    get { words.relaxed32(at: Word.isConnected) != 0 }
    set { words.storeRelaxed(UInt32(newValue ? 1 : 0), at: Word.isConnected) }
  }

  /// The guest's driver uses the device.
  package var isRunning: Bool {
    get { words.relaxed32(at: Word.isRunning) != 0 }
    set { words.storeRelaxed(UInt32(newValue ? 1 : 0), at: Word.isRunning) }
  }

  /// A native client has the device open: what it agreed on is in the client's record.
  package var hasClient: Bool {
    get { words.relaxed32(at: Word.hasClient) != 0 }
    set { words.storeRelaxed(UInt32(newValue ? 1 : 0), at: Word.hasClient) }
  }

  package var acked: UInt64 {
    get { words.relaxed64(at: Word.acked) }
    set { words.storeRelaxed(newValue, at: Word.acked) }
  }

  /// How many messages of the front end were taken out of its connection.
  package var consumed: UInt64 {
    get { words.acquire64(at: Word.consumed) }
    set { words.storeRelease(newValue, at: Word.consumed) }
  }

  /// What the guest did wrong, as a sentence; `nil` when nothing, or when it has reset the device.
  package var fault: String? {
    get {
      guard words.acquire32(at: Word.isFaulted) != 0 else { return nil }
      let count = min(Int(words.relaxed32(at: Word.faultByteCount)), Self.faultByteCountMax)
      return String(
        decoding: shared.bytes(at: Self.faultOffset, byteCount: count), as: UTF8.self)
    }
    set {
      guard let newValue else { return words.storeRelease(UInt32(0), at: Word.isFaulted) }
      let bytes = Array(newValue.utf8.prefix(Self.faultByteCountMax))
      shared.setBytes(bytes, at: Self.faultOffset)
      words.storeRelaxed(UInt32(bytes.count), at: Word.faultByteCount)
      words.storeRelaxed(faultCount &+ 1, at: Word.faults)
      words.storeRelease(UInt32(1), at: Word.isFaulted)
    }
  }

  /// Why the host side is gone, as a sentence; `nil` while it is there.
  package var hostFailure: String? {
    get {
      guard words.acquire32(at: Word.hasHostFailed) != 0 else { return nil }
      let count = min(
        Int(words.relaxed32(at: Word.hostFailureByteCount)), Self.hostFailureByteCountMax)
      return String(
        decoding: shared.bytes(at: Self.hostFailureOffset, byteCount: count), as: UTF8.self)
    }
    set {
      let bytes = Array((newValue ?? "").utf8.prefix(Self.hostFailureByteCountMax))
      shared.setBytes(bytes, at: Self.hostFailureOffset)
      words.storeRelaxed(UInt32(bytes.count), at: Word.hostFailureByteCount)
      words.storeRelease(UInt32(newValue == nil ? 0 : 1), at: Word.hasHostFailed)
    }
  }

  /// How many faults there were since the device became live.
  package var faultCount: UInt64 { words.relaxed64(at: Word.faults) }

  /// One 64-bit word for each counter of the class.
  package var counters: SharedWindow {
    words.window(at: Self.countersOffset, byteCount: 8 * Self.countersMax)
  }

  // MARK: The session

  /// The session as lines. Setting them is atomic: a reader sees the old ones or the new ones.
  package var lines: [String] {
    get {
      let selector = words.acquire64(at: Word.textSelector)
      guard selector > 0 else { return [] }
      let area = shared.window(at: textArea(selector), byteCount: 8)
      let count = min(Int(area.relaxed32(at: 0)), Self.textByteCountMax)
      let bytes = shared.bytes(at: textArea(selector) + 8, byteCount: count)
      return bytes.split(separator: UInt8(ascii: "\n")).map {
        String(decoding: $0, as: UTF8.self)
      }
    }
    set {
      let bytes = Array(newValue.joined(separator: "\n").utf8)
      precondition(bytes.count <= Self.textByteCountMax, "a session has bounded lines")
      let selector = words.relaxed64(at: Word.textSelector) &+ 1
      let area = shared.window(at: textArea(selector), byteCount: 8)
      shared.setBytes(bytes, at: textArea(selector) + 8)
      area.storeRelaxed(UInt32(bytes.count), at: 0)
      words.storeRelease(selector, at: Word.textSelector)
    }
  }

  private func textArea(_ selector: UInt64) -> Int {
    Self.textOffset + Int(selector & 1) * Self.textStride
  }

  // MARK: Queues

  package func queue(_ index: Int) -> QueueRecord {
    precondition((0..<queueCount).contains(index))
    let start = Self.queuesOffset + index * Self.queueStride
    return QueueRecord(shared.window(at: start, byteCount: Self.queueStride))
  }
}
