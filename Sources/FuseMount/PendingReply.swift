/// A reply that can wait, with the form in which its answer is given.
final class PendingReply {
  /// What the kernel expects in answer to the operation.
  enum Shape {
    case status, entry, attributes(NodeID), written(Int)
  }

  private var reply: Reply?
  private let shape: Shape

  init(_ reply: consuming Reply, _ shape: Shape) {
    self.reply = consume reply
    self.shape = shape
  }

  func send(_ result: Result<Answer, TreeError>, from tree: any Tree) {
    guard let reply = reply.take() else { return }
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
