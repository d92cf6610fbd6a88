/// The kernel's answer to one request. An operation gives exactly one, for it returns it.
enum Reply {
  /// The answer comes later, through `FuseMount.finish`.
  case later
  /// The kernel waits for none.
  case silence
  case refused(TreeError)
  case done
  case attributes(NodeAttributes)
  case entry(NodeAttributes)
  /// A handle, and FOPEN_ flags.
  case opened(UInt64, flags: UInt32)
  /// What a read gives: `count` bytes of a text from `offset` on, as far as it has them.
  case text([UInt8], from: Int, count: Int)
  case written(Int)
  /// Directory entries from `offset` on, as many as fit into `count` bytes.
  case listing([DirectoryEntry], from: Int, count: Int)
  /// Bits of poll(2).
  case ready(UInt32)
  /// Objects: how many there are, and how many may be.
  case space(used: UInt64, limit: UInt64)
  /// The protocol that is agreed upon; 0 for a flag that the kernel does not know.
  case agreement(minor: UInt32, flags: UInt32)
}
