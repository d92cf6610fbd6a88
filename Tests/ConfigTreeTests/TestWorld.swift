import ConfigTree
import FuseMount
import LinuxSystem
import Model

/// The processes around a tree, in memory. What the tree asks for waits in `pending` until
/// `run()`, as it would with other processes; what they answer can be set beforehand.
final class TestWorld: World {
  /// All that was committed, as a store would hold it.
  private(set) var committed: [Change] = []
  private(set) var answers: [UInt64: Answer] = [:]
  private(set) var finished: [UInt64: Result<Answer, TreeError>] = [:]
  private(set) var woken: [NodeID] = []
  private(set) var ended: [ClosedRange<NodeID>] = []
  private(set) var live: [ObjectID: LiveState] = [:]
  private(set) var openHosts: Set<ObjectID> = []
  private(set) var started: [Device] = []
  private(set) var updated: [Device] = []
  private(set) var ownersTold: [Device] = []
  /// The containers with a socket, as they were told last.
  private(set) var containers: [ObjectID: Container] = [:]
  var containerFailure: HostRefusal?
  private var pending: [() -> Void] = []

  var storeFailure: Errno?
  /// Whether a signal that interrupts a caller is meant to end it.
  var signalEnds = true
  var hostResult: Result<HostSide, HostRefusal> = .success(HostSide(facts: ["capacity": "1048576"]))
  var startResults: [Result<Void, HostRefusal>] = []
  var updateResult: Result<Void, HostRefusal> = .success(())
  var engine = EngineState()
  var socketDirectory = "/run/vbusfs.d/sockets"
  var containerSocketDirectory = "/run/vbusfs.d/buses"
  var sessionSocket = "/run/vbusfs.d/session"
  var mountPoint = "/run/vbusfs"
  var now: UInt64 = 1_700_000_000_123_000_000

  func run() { while !pending.isEmpty { runOne() } }

  /// The answer that waits longest comes.
  func runOne() { pending.removeFirst()() }

  func report(_ state: LiveState, of device: ObjectID) { live[device] = state }

  func commit(
    _ changes: [Change], answering request: Request?, with answer: Answer
  ) throws(TreeError) {
    if let storeFailure { throw TreeError(storeFailure) }
    committed += changes
    if let request { answers[request.unique] = answer }
  }

  func openHost(
    _ device: Device, then: @escaping (Result<HostSide, HostRefusal>) -> Void
  ) {
    pending.append { [self] in
      if case .success = hostResult { openHosts.insert(device.id) }
      then(hostResult)
    }
  }

  func adjustHost(
    _ device: Device, then: @escaping (Result<HostSide, HostRefusal>) -> Void
  ) {
    pending.append { [self] in then(hostResult) }
  }

  func closeHost(_ device: ObjectID) { openHosts.remove(device) }

  func start(
    _ device: Device, in container: Container, as devID: DevID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    pending.append { [self] in
      let result = startResults.isEmpty ? .success(()) : startResults.removeFirst()
      if case .success = result {
        started.append(device)
        live[device.id] = LiveState()
      }
      then(result)
    }
  }

  func update(_ device: Device, then: @escaping (Result<Void, HostRefusal>) -> Void) {
    pending.append { [self] in
      if case .success = updateResult { updated.append(device) }
      then(updateResult)
    }
  }

  func stop(_ device: ObjectID, then: @escaping () -> Void) {
    pending.append { [self] in
      live[device] = nil
      then()
    }
  }

  func ownerChanged(_ device: Device) { ownersTold.append(device) }

  func openContainer(_ container: Container) throws(HostRefusal) {
    if let containerFailure { throw containerFailure }
    containers[container.id] = container
  }

  func closeContainer(_ container: Container) { containers[container.id] = nil }
  func containerRenamed(_ container: Container, from old: Name) {
    containers[container.id] = container
  }
  func containerChanged(_ container: Container) { containers[container.id] = container }

  func liveState(of device: ObjectID) -> LiveState? { live[device] }
  func engineState(of container: ObjectID) -> EngineState { engine }
  func groups(of request: Request) -> [UInt32] { [request.gid, 27] }

  func isEnding(callerOf request: Request) -> Bool { signalEnds }

  func finish(_ request: Request, _ result: Result<Answer, TreeError>) {
    // As the kernel does, which knows a request no more once it is answered.
    if finished[request.unique] == nil { finished[request.unique] = result }
  }

  func changed(_ node: NodeID) { woken.append(node) }
  func ended(_ nodes: ClosedRange<NodeID>) { ended.append(nodes) }
}
