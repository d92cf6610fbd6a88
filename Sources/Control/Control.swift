internal import ConfigTree
internal import Devices
internal import EngineLink
internal import FuseMount
internal import Keeper
internal import LinuxSystem
internal import Model
internal import Store

/// The control process: the tree, its store, and what the engines shall do. It never touches guest
/// memory. One loop, and a thread beside it that reads the kernel's requests and has turns with it;
/// whatever may wait is done by another process.
///
/// It may be killed at any moment. Its successor finds the configuration in the store, requests
/// that were not answered in their slots, and everything else with the keeper.
package final class Control {
  let places: Places
  let loop: EventLoop
  let keeper: KeeperClient
  let store: Store
  let helpers: Helpers
  let engines: Engines
  let slots: RequestSlots
  /// The file system of our own mount, the same as long as it is mounted; 0 when it is gone.
  let ownFileSystem: UInt64
  /// The host side of each enabled device.
  var hosts: [ObjectID: [Descriptor]] = [:]
  /// What is still to be opened after the start, the next one last.
  var reopenings: [Reopening] = []
  lazy var tree = ConfigTree(
    catalogue, world: self,
    owner: Owner(uid: effectiveUser(), gid: effectiveGroup(), permissions: 0o755))
  lazy var sessions = Sessions(of: self)
  private(set) var mount: FuseMount?
  private let signals: Descriptor
  private var ending = Ending.running

  private enum Ending { case running, unmounted, keeperGone }

  /// Runs until unmounted; answers the exit status.
  package static func serve(_ places: Places) -> Int32 {
    // A disk of memory may be larger than this process may make files.
    ignoreLostReaders()
    let keeper = KeeperClient()
    do {
      try Quarantine.begin()
      let control = try Control(places, keeper)
      try control.run()
      return 0
    } catch {
      // The starter hears it when this is the start; later it is in the log.
      let sentence = sentence(of: error)
      print(sentence)
      try? keeper.ready(sentence)
      try? unmountTree(at: places.mountPoint, runtime: places.runtime, detach: true)
      places.clear(forgetting: false)
      return KeeperClient.hopelessStatus
    }
  }

  private static func sentence(of error: any Error) -> String {
    switch error {
    case let error as Errno: "control could not begin: \(error.text)"
    case let error as StoreError: "the store cannot be used: \(error.sentence)"
    default: "control could not begin: \(error)"
    }
  }

  private init(_ places: Places, _ keeper: KeeperClient) throws {
    self.places = places
    self.keeper = keeper
    loop = try EventLoop()
    signals = try signalDescriptor([Signal.terminate, Signal.interrupt, Signal.childEnded])
    try places.prepare()
    ownFileSystem = (try? MountEntry.at(places.mountPoint))?.fileSystem ?? 0
    store = try Store(path: places.store, isDurable: places.state != nil)
    helpers = Helpers(on: loop, program: places.program)
    engines = Engines(on: loop, keeper: keeper, program: places.engine)
    var kept: [String: Descriptor] = [:]
    var said: [SessionID: UInt64] = [:]
    for item in try keeper.take("") {
      kept[item.name] = item.descriptor
      if let session = Kept.session(named: item.name) { said[session] = item.lastSaid }
    }
    slots = try RequestSlots(kept[Kept.slots])
    guard let fuse = kept[Kept.fuse] else { throw Errno.noDevice }
    if kept[Kept.slots] == nil {
      // Another connection of the kernel counts its requests anew.
      try store.forgetAnswers()
      try keeper.put(slots.file, as: Kept.slots)
    }
    tree.load(try store.load())
    engines.onDeviceChange = { [unowned self] in self.tree.liveStateChanged($0) }
    engines.onDeviceLoss = { [unowned self] (id, refusal) in
      if let device = self.tree.model.devices[id] { self.forgetLive(device) }
      self.tree.hostFailed(id, refusal)
    }
    engines.onEngineChange = { [unowned self] in self.tree.engineStateChanged($0) }
    engines.onLingering = { [unowned self] id in
      // A predecessor may have died before it said that the host side is closed.
      if self.tree.model.devices[id]?.isEnabled != true { self.engines.revoke(id) }
    }
    engines.onMembers = { [unowned self] (container, members) in
      self.tree.membersChanged(members.map(MemberConnection.init), of: container)
    }
    try takeUp(kept)
    mount = try FuseMount(
      tree, on: fuse, slots: slots, loop: loop,
      recall: { [unowned self] in self.recall($0) },
      onEnd: { [unowned self] in self.end(.unmounted) })
    try sessions.takeUp(kept, said: said)
  }

  /// Something changed at a file, or in a directory, by no request of the kernel: what it remembers
  /// of that it forgets.
  func noteChange(at node: NodeID) { tree.touched(at: node) { mount?.forget($0) } }

  private func run() throws {
    _ = try loop.watch(signals) { [unowned self] _ in self.takeSignals() }
    _ = try loop.watch(keeper.channel.descriptor) { [unowned self] _ in self.hearKeeper() }
    try mount?.start()
    sessions.begin()
    try keeper.ready()
    try loop.run()
    if ending == .keeperGone {
      try? unmountTree(at: places.mountPoint, runtime: places.runtime, detach: true)
    }
    places.clear(forgetting: ending == .unmounted)
  }

  private func end(_ ending: Ending) {
    if self.ending == .running { self.ending = ending }
    loop.end()
  }

  private func takeSignals() {
    while let signal = readSignal(signals) {
      guard signal == Signal.childEnded else {
        leave()
        continue
      }
      while let (pid, _) = reap() { helpers.ended(pid) }
    }
  }

  /// How long files of a detached mount may stay open before their users see it end.
  private static let detachMilliseconds: UInt64 = 300

  /// Unmounts, which ends the loop; files that are open in the tree do not hold it up.
  private func leave() {
    try? unmountTree(at: places.mountPoint, runtime: places.runtime, detach: true)
    _ = loop.after(milliseconds: Self.detachMilliseconds) { [unowned self] in
      self.end(.unmounted)
    }
  }

  private func hearKeeper() {
    do throws(Errno) {
      for program in try keeper.changes() { engines.noteProgram(program) }
    } catch { end(.keeperGone) }
  }
}

/// What control calls its things with the keeper.
enum Kept {
  static let fuse = "fuse"
  static let slots = "slots"
  static func device(_ id: ObjectID) -> String { "device/\(id.rawValue)" }
  /// The device that something of this name belongs to.
  static func device(named name: String) -> ObjectID? { object(name, below: "device") }
  static func container(_ id: ObjectID) -> String { "container/\(id.rawValue)" }
  /// The container that something of this name belongs to.
  static func container(named name: String) -> ObjectID? { object(name, below: "container") }
  static func bus(_ id: ObjectID) -> String { container(id) + "/listener" }

  static let sessionListener = "session-listener"
  static func session(_ id: SessionID) -> String { "session/\(id.rawValue)" }
  /// The session whose connection this is.
  static func session(named name: String) -> SessionID? {
    guard name.hasPrefix("session/") else { return nil }
    return UInt64(name.dropFirst("session/".count)).map { SessionID(rawValue: $0) }
  }

  private static func object(_ name: String, below first: String) -> ObjectID? {
    let parts = name.split(separator: "/", maxSplits: 2)
    guard parts.count > 1, parts[0] == first else { return nil }
    return UInt64(parts[1]).map { ObjectID(rawValue: $0) }
  }

  static func host(_ id: ObjectID) -> String { device(id) + "/host" }
  static func hostFile(_ id: ObjectID, _ index: Int) -> String {
    // Two digits, so that the order of names is the order of descriptors.
    host(id) + "/" + (index < 10 ? "0\(index)" : "\(index)")
  }
  static func listener(_ id: ObjectID) -> String { device(id) + "/live/listener" }
  static func record(_ id: ObjectID) -> String { device(id) + "/live/record" }
  static func live(_ id: ObjectID) -> String { device(id) + "/live" }
}

extension MemberConnection {
  fileprivate init(_ member: Member) {
    self.init(
      pid: member.pid, uid: member.uid, since: member.since, openCount: member.openCount)
  }
}
