internal import FuseMount
package import Model

/// Who is attached to a container, and who may be.
extension ConfigTree {
  /// All connections of native clients to a container, as its engine tells them.
  package func membersChanged(_ connections: [MemberConnection], of container: ObjectID) {
    // The engine of a container that was removed may still be ending.
    guard model.containers[container] != nil || connections.isEmpty else { return }
    let news = members.set(connections, of: container, now: world.now)
    for id in news.went { world.ended(Node.nodes(of: id)) }
    for id in news.changed {
      for file in MemberFile.files { world.changed(Node.member(id, file).id) }
    }
    guard !news.came.isEmpty || !news.went.isEmpty else { return }
    // The kernel lets nobody poll a directory.
    for file in [ContainerFile.count, .status] {
      world.changed(Node.container(container, file).id)
    }
  }

  func write(
    allow text: String, _ id: ObjectID, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    guard let allowance = Allowance(text) else {
      throw .malformed(accepted: Allowance.accepted)
    }
    guard var container = model.containers[id] else { throw .noSuchEntry }
    container.changed = world.now
    let change: Change =
      allowance.isEmpty
      ? .removeAllowance(container: id) : .putAllowance(container: id, allowance: allowance)
    try commit([.putContainer(container), change], attempt.request, .done)
    container.allowance = allowance
    world.containerChanged(container)
    world.changed(attempt.node)
    return .done
  }
}
