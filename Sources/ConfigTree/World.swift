package import FuseMount
package import Model

/// What opening a device's host side found out.
package struct HostSide: Hashable, Sendable {
  /// By name: they take the place of the written values in what the engine is given.
  package var facts: [String: String]
  package init(facts: [String: String]) { self.facts = facts }
}

/// What the tree needs from the processes around it. Callbacks come later, never from within the
/// call that asked for them nor at the same time as one to the tree, exactly once, and in bounded
/// time.
package protocol World: AnyObject {
  /// Makes the changes durable, with the request and its answer, before anything is answered.
  /// On failure nothing was changed.
  func commit(
    _ changes: [Change], answering request: Request?, with answer: Answer
  ) throws(TreeError)

  /// Opens the host side (files) with the rights of those who wrote the values. Again for a device
  /// whose host side is open: it is opened anew.
  func openHost(
    _ device: Device, then: @escaping (Result<HostSide, HostRefusal>) -> Void)
  /// Values changed of a device whose host side is open: what is open follows, and stays open.
  func adjustHost(
    _ device: Device, then: @escaping (Result<HostSide, HostRefusal>) -> Void)
  func closeHost(_ device: ObjectID)

  /// The device becomes live in its container's engine. `device` carries the facts and the owner
  /// its socket gets. After a failure nothing of it is left there.
  func start(
    _ device: Device, in container: Container, as devID: DevID,
    then: @escaping (Result<Void, HostRefusal>) -> Void)
  /// A live device has other values: its engine takes them over, and its guest is told. After a
  /// failure the old ones are in force there.
  func update(_ device: Device, then: @escaping (Result<Void, HostRefusal>) -> Void)
  /// The device ends there. Cannot fail: what does not answer in time is ended.
  func stop(_ device: ObjectID, then: @escaping () -> Void)
  /// Owner or mode of a live device changed: its socket follows.
  func ownerChanged(_ device: Device)

  /// Makes the socket of a container that is about to be made, and keeps it. On failure nothing of
  /// it is left.
  func openContainer(_ container: Container) throws(HostRefusal)
  /// The container is gone, or was not made after all: so is its socket, and nobody is attached.
  func closeContainer(_ container: Container)
  /// Its socket follows.
  func containerRenamed(_ container: Container, from old: Name)
  /// Owner, mode or allowance changed: the socket follows, and the engine is told.
  func containerChanged(_ container: Container)

  /// What the engine reports of a live device, read from shared pages; nil when it is not live.
  func liveState(of device: ObjectID) -> LiveState?
  func engineState(of container: ObjectID) -> EngineState

  /// Where sockets lie: `<directory>/<device name>`.
  var socketDirectory: String { get }
  /// The same for containers' sockets.
  var containerSocketDirectory: String { get }
  /// Where the socket of the second control plane lies.
  var sessionSocket: String { get }
  var mountPoint: String { get }
  /// Nanoseconds since 1970.
  var now: UInt64 { get }
  /// The supplementary groups of the process that asks: from /proc, empty when it is gone; those of
  /// a session's client are known.
  func groups(of request: Request) -> [UInt32]

  /// Whether a signal waits for the process that asks which is meant to end it or its waiting, and
  /// not one that it takes beside its work, such as SIGCHLD. True, too, when it is gone.
  func isEnding(callerOf request: Request) -> Bool

  /// A deferred answer (the operation had answered `.later`).
  func finish(_ request: Request, _ result: Result<Answer, TreeError>)
  /// The text of this node changed: wake its pollers.
  func changed(_ node: NodeID)
  /// These nodes are gone for good: wake their pollers.
  func ended(_ nodes: ClosedRange<NodeID>)
}
