import Connectors
import Devices
import class Engine.Engine
import EngineLink
import InProcess
import KeeperLab
import LinuxSystem
import Synchronization
import VbusClient
import Virtio

/// An engine under a real keeper, and a way to its bus: the shipped engine in a process of its own,
/// or one on a thread of the test.
final class BusLab {
  let way: Way
  let keeper: KeeperLab
  let busPath: String
  private let control: Shepherd
  private var played: PlayedProgram?
  private var engine: Engine?
  private var loop: EventLoop?
  private var thread: Thread?
  private var relays: [RelayThread] = []
  private var lastDevice: UInt64 = 40
  private let seed: UInt64

  init(_ way: Way, seed: UInt64 = 1) throws {
    ignoreLostReaders()
    self.way = way
    self.seed = seed
    keeper = try KeeperLab()
    busPath = keeper.folder + "/bus"
    let program = try keeper.program()
    let (near, far) = try Channel.pair()
    try program.keeper.put(far.descriptor, as: "of-engine/link")
    let shipped = try environmentValue("VBUSFS_BIN") ?? KeeperLab.programFolder()
    let engine =
      way == .inProcess
      ? try keeper.probe() : (path: shipped + "/vbusfs-engine", arguments: [])
    try program.keeper.spawn("engine", engine.path, engine.arguments, scope: "of-engine/")
    control = try Shepherd(program, near)
    if way == .inProcess { try playEngine(keeper.program()) }
    _ = try control.awaitEngine()
    control.accept(
      ContainerOffer(uid: effectiveUser(), gid: effectiveGroup(), permissions: 0o700),
      try listen(
        at: busPath, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup(),
        kind: .packets))
  }

  private func playEngine(_ program: PlayedProgram) throws {
    let loop = try EventLoop()
    played = program
    engine = try Engine(on: loop, keeper: program.keeper, makeModel: makeModel)
    self.loop = loop
    thread = try loop.runBeside()
  }

  deinit {
    control.end()
    for relay in relays { relay.end() }
    let ending = loop
    loop?.alone { ending?.end() }
    // Before the engine is gone, which its loop would call.
    thread.take()?.join()
  }

  // MARK: Control

  /// Has a device served, or takes over other values of it.
  @discardableResult
  func serve(_ device: LabDevice) throws -> LabDevice {
    guard case .started = try control.serve(device.offer, device.descriptors) else {
      throw Errno.invalid
    }
    return device
  }

  /// Unplugs a device.
  func stop(_ device: LabDevice) throws { try control.stop(device.offer.id) }

  /// The engine stops where it is, and later dies.
  func killEngine(after body: () throws -> Void) throws {
    let pid = try control.awaitEngine()
    try send(signal: Signal.stop, to: pid)
    try body()
    try send(signal: Signal.kill, to: pid)
    _ = try control.awaitEngine(after: pid)
  }

  func newID() -> UInt64 {
    lastDevice += 1
    return lastDevice
  }

  func rng() throws -> LabDevice { try serve(.rng(newID(), in: keeper.folder)) }
  func disk() throws -> LabDevice { try serve(.disk(newID(), in: keeper.folder)) }
  func console() throws -> LabDevice { try serve(.console(newID(), in: keeper.folder)) }
  func card() throws -> LabDevice { try serve(.card(newID(), in: keeper.folder)) }

  // MARK: Clients

  /// What the way calls a device.
  func id(of device: LabDevice) -> UInt32 { way == .vhostUser ? 0 : device.offer.devID }

  /// A client that sees the device.
  func client(for device: LabDevice) throws -> BusClient {
    try BusClient(connector(for: device))
  }

  func open(_ device: LabDevice) throws -> DeviceConnection {
    try client(for: device).open(id(of: device))
  }

  /// Opens a device as a virtio driver does, and takes those of the features that it offers.
  func virtio(_ device: LabDevice, _ features: FeatureBits = .splitRing) throws -> VirtioDevice {
    let device = try VirtioDevice(open(device))
    try device.negotiate(features)
    return device
  }

  func connector(for device: LabDevice) throws -> any Connector {
    switch way {
    case .inProcess:
      guard let engine, let loop else { throw Errno.invalid }
      return try InProcessConnector(to: engine.bus, on: loop)
    case .socket: return try SocketConnector(connectingTo: busPath)
    case .vhostUser:
      return try VhostUserConnector(
        connectingTo: device.path, type: device.offer.interfaceType)
    case .stream: return try stream(nil)
    case .singleBytes: return try stream(.singleBytes)
    case .slow: return try stream(.slow)
    case .cuts: return try stream(.cuts(seed: seed))
    case .tcp: return try overTCP()
    case .terminal: return try overTerminal()
    case .twoStreams: return try overTwoStreams()
    }
  }

  private static let lastRelay = Atomic<UInt64>(0)

  /// Where a relay is reached that leads where `connect` does; to the bus without.
  func relay(
    resumeMilliseconds: UInt32 = 10_000,
    connect: (@Sendable () throws(BusError) -> any Connector)? = nil
  ) throws -> String {
    let number = Self.lastRelay.add(1, ordering: .relaxed).newValue
    let path = keeper.folder + "/relay\(number)"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    relays.append(
      try RelayThread(
        listener, resumeMilliseconds: resumeMilliseconds, connect: connect ?? toBus))
    return path
  }

  private var toBus: @Sendable () throws(BusError) -> any Connector {
    let path = busPath
    return { () throws(BusError) in try SocketConnector(connectingTo: path) }
  }

  private func stream(_ weather: Weather?) throws -> any Connector {
    try Self.stream(to: relay(), weather)
  }

  static func stream(
    to path: String, _ weather: Weather? = nil, patienceMilliseconds: UInt32 = 20_000
  ) throws -> StreamConnector {
    var options = StreamConnector.Options()
    options.patienceMilliseconds = patienceMilliseconds
    return try StreamConnector(options: options) { () throws(Errno) in
      let socket = try connect(to: path)
      guard let weather else { return StreamEnds(socket) }
      guard let end = try? weather.around(socket) else { throw .noMemory }
      return StreamEnds(end)
    }
  }

  private func overTCP() throws -> any Connector {
    let listener = try LinuxSystem.listen(onLoopbackPort: 0)
    let port = try LinuxSystem.port(of: listener)
    relays.append(try RelayThread(listener, connect: toBus))
    guard let address = ConnectorAddress("tcp:127.0.0.1:\(port)") else { throw Errno.invalid }
    return try address.connector()
  }

  private func overTerminal() throws -> any Connector {
    let (master, terminal) = try openTerminal()
    let path = try terminalName(master)
    relays.append(try RelayThread(line: master, connect: toBus))
    guard let address = ConnectorAddress("tty:\(path)") else { throw Errno.invalid }
    let connector = try address.connector()
    // Held open by now at its other end.
    _ = terminal
    return connector
  }

  private func overTwoStreams() throws -> any Connector {
    let far = try relay()
    let near = try relay { () throws(BusError) in
      try StreamConnector { () throws(Errno) in StreamEnds(try connect(to: far)) }
    }
    return try Self.stream(to: near)
  }
}
