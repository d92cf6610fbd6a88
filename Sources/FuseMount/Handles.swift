internal import Tables

/// The open files and directories. A handle number says nothing but which open it is, so that a
/// successor of this process serves handles it has never seen, as if they were just opened.
struct Handles {
  /// What one open of a file remembers.
  struct OpenFile {
    /// Who opened it, if it is open for writing.
    var opener: Request.Opener?
    /// The text as it was when reading began; later reads go on in it.
    var snapshot: [UInt8]?
    /// Where the last write ended; a write that starts there continues it.
    var writeEnd: UInt64?
    /// The changes of the node that this open has read.
    var seenChange: UInt64?
  }

  let files = NumberTable<OpenFile>()
  /// The listing of an open directory, taken when it is read from the start.
  let directories = NumberTable<[DirectoryEntry]>()
  private var last: UInt64

  /// Starts above every number a predecessor can have given out.
  init(after time: UInt64) { last = time }

  mutating func open() -> UInt64 {
    last += 1
    return last
  }

  /// As above, for a file that may be written.
  mutating func open(for opener: Request.Opener) -> UInt64 {
    let handle = open()
    files[handle] = OpenFile(opener: opener)
    return handle
  }

  /// The part of `bytes` that a read of `count` bytes at `offset` gives.
  static func part(_ bytes: [UInt8], at offset: Int, count: Int) -> ArraySlice<UInt8> {
    guard offset >= 0, offset < bytes.count else { return [] }
    return bytes[offset..<min(bytes.count, offset + max(0, count))]
  }
}
