/// A reply that can wait, with the form in which its answer is given.
final class PendingReply {
  /// What the kernel expects in answer to the operation.
  enum Shape {
    case status, entry, attributes(NodeID), written(Int)
  }

  private var reply: Reply?
  private let shape: Shape
  /// The file, or the directory of the name.
  private let node: NodeID

  init(_ reply: consuming Reply, _ shape: Shape, at node: NodeID) {
    self.reply = consume reply
    self.shape = shape
    self.node = node
  }

  /// Answers. What the kernel remembers of the nodes that a change touched it is told to forget
  /// before, so that whoever goes on after the answer sees the change. Before, too, because a
  /// process that is killed in between leaves the request unanswered: its successor comes here.
  func send(_ result: Result<Answer, TreeError>, from mount: FuseMount) {
    guard let reply = reply.take() else { return }
    let tree = mount.tree
    switch result {
    case .success: mount.forgetTouched(at: node)
    // A value that was in force and was taken back may have been looked at meanwhile.
    case .failure: mount.forget(node)
    }
    switch (result, shape) {
    case (.failure(let error), _): reply.refuse(error)
    case (.success(.entry(let node)), .entry):
      let attributes = Result { () throws(TreeError) in try tree.attributes(of: node) }
      reply.send(attributes) { $0.entry($1) }
    case (.success, .attributes(let node)):
      let attributes = Result { () throws(TreeError) in try tree.attributes(of: node) }
      reply.send(attributes) { $0.attributes($1) }
    case (.success, .written(let count)): reply.written(count)
    case (.success, .status), (.success, .entry): reply.done()
    }
  }
}
