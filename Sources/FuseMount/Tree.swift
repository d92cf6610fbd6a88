package import LinuxSystem

/// The number of a file in the tree: stable for the file's life and never reused, so that the
/// kernel and a successor of this process mean the same by it.
package struct NodeID: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The root of the tree, FUSE_ROOT_ID.
  package static let root = NodeID(rawValue: 1)

  package static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }
}

/// Who asks, and by which number the kernel knows the request.
package struct Request: Hashable, Sendable {
  /// The kernel's number of the request; an operation met twice has the same one.
  package let unique: UInt64
  /// The slot of shared memory that holds the request until it is answered.
  package let slot: Int
  package let uid: UInt32
  package let gid: UInt32
  package let pid: Int32
  /// Who opened the file that is written, where that is known: another user can have been handed
  /// the open file since.
  package var opener: Opener?
  /// Where it was no operation on a file: the session that asks, and for whose answer the tree has
  /// to be asked in turn.
  package var session: Session?

  package struct Session: Hashable, Sendable {
    /// Which session.
    package let number: UInt64
    /// Which of its requests, counted from 1.
    package let request: UInt64
    package init(number: UInt64, request: UInt64) {
      self.number = number
      self.request = request
    }
  }

  package struct Opener: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    package init(uid: UInt32, gid: UInt32) {
      self.uid = uid
      self.gid = gid
    }
  }

  package init(unique: UInt64, slot: Int, uid: UInt32, gid: UInt32, pid: Int32) {
    self.unique = unique
    self.slot = slot
    self.uid = uid
    self.gid = gid
    self.pid = pid
  }
}

package enum NodeKind: Sendable { case directory, file, link }

/// What the kernel may remember of a node without asking again. Memory only saves requests: what a
/// caller sees is the same with it and without it. (But for an instant: the kernel calls attributes
/// fresh a few instructions before it has written them down, and who looks at the same file on
/// another processor just then sees the ones before, once.)
///
/// The kernel forgets by itself what a request of its own changes: the size of a file it wrote,
/// attributes it set, names it made, moved or removed. Of what else a change touches,
/// `Tree.touched(at:)` says which attributes are to be forgotten. There is no such thing for
/// names: to make the kernel forget one takes the lock of its directory, under which somebody may
/// be waiting for us, so a name that can go by itself must not last.
package enum Lasting: Sendable {
  case nothing
  /// The name leads to the node until somebody removes or renames it.
  case name
  /// So it does, and the attributes change by requests on the node, or are told as touched.
  case nameAndAttributes
}

/// What stat(2) shows of a node.
package struct NodeAttributes: Sendable, Equatable {
  package var node: NodeID
  package var kind: NodeKind
  /// Mode bits without the type, 0o644.
  package var permissions: UInt32
  package var uid: UInt32
  package var gid: UInt32
  /// The exact length of the text in bytes; 0 for what has no fixed length.
  package var byteCount: UInt64
  package var linkCount: UInt32
  /// Time of the last change, nanoseconds since 1970.
  package var changed: UInt64
  package var lasting: Lasting

  package init(
    node: NodeID, kind: NodeKind, permissions: UInt32, uid: UInt32, gid: UInt32,
    byteCount: UInt64, linkCount: UInt32, changed: UInt64, lasting: Lasting = .nothing
  ) {
    self.node = node
    self.kind = kind
    self.permissions = permissions
    self.uid = uid
    self.gid = gid
    self.byteCount = byteCount
    self.linkCount = linkCount
    self.changed = changed
    self.lasting = lasting
  }
}

package struct DirectoryEntry: Sendable, Equatable {
  package let name: [UInt8]
  package let node: NodeID
  package let kind: NodeKind

  package init(name: [UInt8], node: NodeID, kind: NodeKind) {
    self.name = name
    self.node = node
    self.kind = kind
  }
}

/// What chmod(2) and chown(2) ask for; `nil` leaves a value as it is.
package struct OwnerChange: Sendable, Equatable {
  package var permissions: UInt32?
  package var uid: UInt32?
  package var gid: UInt32?

  package init(permissions: UInt32? = nil, uid: UInt32? = nil, gid: UInt32? = nil) {
    self.permissions = permissions
    self.uid = uid
    self.gid = gid
  }
}

/// The answer to an operation that changes the tree.
package enum Answer: Sendable, Equatable {
  case done
  case entry(NodeID)
  /// The answer comes later, through `FuseMount.finish`.
  case later
}

/// Why an operation is refused: what the caller of the system call sees.
package struct TreeError: Error, Equatable, Sendable {
  package let errno: Errno
  package init(_ errno: Errno) { self.errno = errno }
}

/// A tree of files, as `FuseMount` serves it. No kernel type occurs here, so that tests call a
/// tree directly. Names and texts are bytes, for that is what they are to the kernel.
///
/// There is one call at a time. Calls without a `Request` only look and answer at once.
package protocol Tree: AnyObject {
  func attributes(of node: NodeID) throws(TreeError) -> NodeAttributes
  /// The node called `name` in the directory `parent`.
  func lookup(_ name: Span<UInt8>, in parent: NodeID) throws(TreeError) -> NodeID
  func linkTarget(of node: NodeID) throws(TreeError) -> [UInt8]
  /// All entries of a directory, without `.` and `..`.
  func entries(of directory: NodeID) throws(TreeError) -> [DirectoryEntry]
  /// What reading a file gives. Taken once for each open, and again when it is read from 0.
  func text(of file: NodeID) throws(TreeError) -> [UInt8]
  /// Who waits for the answer to this request was interrupted. The tree may answer with EINTR, if
  /// what was asked for has not happened and will not, or go on.
  func interrupt(_ unique: UInt64)
  /// Calls `forget` for the nodes whose lasting attributes may have been changed by an operation on
  /// this file or on a name in this directory. Few, however large the tree is.
  func touched(at node: NodeID, _ forget: (NodeID) -> Void)
  /// How many objects exist, and how many may (statfs(2)).
  var objectCount: (used: UInt64, limit: UInt64) { get }

  func makeDirectory(
    _ name: [UInt8], in parent: NodeID, permissions: UInt32, _ request: Request
  ) throws(TreeError) -> Answer
  func removeDirectory(
    _ name: [UInt8], in parent: NodeID, _ request: Request
  ) throws(TreeError) -> Answer
  func makeLink(
    _ name: [UInt8], in parent: NodeID, to target: [UInt8], _ request: Request
  ) throws(TreeError) -> Answer
  func removeFile(
    _ name: [UInt8], in parent: NodeID, _ request: Request
  ) throws(TreeError) -> Answer
  /// With `replacing` false an existing `newName` is refused (RENAME_NOREPLACE).
  func rename(
    _ name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    replacing: Bool, _ request: Request
  ) throws(TreeError) -> Answer
  /// Gives a file a new value. `isContinuation`: this is not the first write of its open, and it
  /// goes on where the one before ended.
  func store(
    _ text: [UInt8], in file: NodeID, isContinuation: Bool, _ request: Request
  ) throws(TreeError) -> Answer
  func change(
    _ change: OwnerChange, of node: NodeID, _ request: Request
  ) throws(TreeError) -> Answer
}
