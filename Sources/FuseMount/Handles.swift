internal import Tables

/// The open files and directories. A handle number says nothing but which open it is, so that a
/// successor of this process serves handles it has never seen, as if they were just opened.
final class Handles {
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

  func open() -> UInt64 {
    last += 1
    return last
  }

  /// As above, for a file that may be written.
  func open(for opener: Request.Opener) -> UInt64 {
    let handle = open()
    files[handle] = OpenFile(opener: opener)
    return handle
  }
}
