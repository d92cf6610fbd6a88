import FuseMount
import LinuxSystem

/// A directory with one file, in which nothing can be changed.
final class PlayedTree: Tree {
  static let file = NodeID(rawValue: 2)
  static let text = Array("text\n".utf8)
  let refusal: Errno

  /// Whoever changes something is told `refusal`.
  init(refusal: Errno) { self.refusal = refusal }

  func attributes(of node: NodeID) -> NodeAttributes {
    NodeAttributes(
      node: node, kind: node == Self.file ? .file : .directory, permissions: 0o644, uid: 0,
      gid: 0, byteCount: 0, linkCount: 1, changed: 0)
  }

  func lookup(_ name: Span<UInt8>, in parent: NodeID) -> NodeID { Self.file }
  func linkTarget(of node: NodeID) throws(TreeError) -> [UInt8] { throw TreeError(.invalid) }
  func entries(of directory: NodeID) -> [DirectoryEntry] {
    [DirectoryEntry(name: Array("file".utf8), node: Self.file, kind: .file)]
  }
  func text(of file: NodeID) -> [UInt8] { Self.text }
  func interrupt(_ unique: UInt64) {}
  func touched(at node: NodeID, _ forget: (NodeID) -> Void) {}
  var objectCount: (used: UInt64, limit: UInt64) { (1, 2) }

  func makeDirectory(
    _ name: [UInt8], in parent: NodeID, permissions: UInt32, _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }

  func removeDirectory(
    _ name: [UInt8], in parent: NodeID, _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }

  func makeLink(
    _ name: [UInt8], in parent: NodeID, to target: [UInt8], _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }

  func removeFile(
    _ name: [UInt8], in parent: NodeID, _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }

  func rename(
    _ name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    replacing: Bool, _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }

  func store(
    _ text: [UInt8], in file: NodeID, isContinuation: Bool, _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }

  func change(
    _ change: OwnerChange, of node: NodeID, _ request: Request
  ) throws(TreeError) -> Answer { throw TreeError(refusal) }
}
