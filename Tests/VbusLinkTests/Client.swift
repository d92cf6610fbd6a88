import VbusLink

/// The buses' end of things: a container, and one client of it whose requests are all carried out.
final class Client {
  final class Container {
    var bus = Bus()
    var sessions: [ClientSession] = []
  }

  let container: Container
  let session: ClientSession
  /// What an engine was asked to do.
  private(set) var calls: [Call.Action] = []
  private var tag: UInt32 = 0

  /// A client of a container with devices 0, 1 and 2.
  init(
    sharing other: Client? = nil, isReady: Bool = true, sharesMax: Int = 8,
    capabilities: Capabilities = .implemented
  ) {
    container = other?.container ?? Container()
    session = ClientSession(sharesMax: sharesMax)
    container.sessions.append(session)
    if other == nil {
      for id in 0..<3 { _ = container.bus.add(Self.device, as: UInt32(id)) }
    }
    if isReady {
      _ = try? ask(.hello(magic: Request.magicNumber, version: 1, capabilities))
    }
  }

  static let device = Bus.Device(type: "virtual-ethernet", version: 1)

  func ask(
    _ request: Request, descriptorCount: Int? = nil, outcome: Outcome = .done()
  ) throws -> Reply {
    tag += 1
    return try ask(
      request.bytes(tag: tag), descriptorCount: descriptorCount ?? Self.descriptors(request),
      outcome: outcome)
  }

  func ask(
    _ bytes: [UInt8], descriptorCount: Int = 0, outcome: Outcome = .done()
  ) throws -> Reply {
    let reaction = try session.receive(
      bytes, descriptorCount: descriptorCount, on: container.bus)
    switch reaction {
    case .answer(let reply): return reply
    case .carryOut(let call):
      calls.append(call.action)
      return session.finish(call, outcome, on: &container.bus)
    }
  }

  private static func descriptors(_ request: Request) -> Int {
    switch request {
    case .addMemory: 1
    case .addEventQueue, .addFastCall: 2
    case .shareMemory(let share): share.flags & ShareRequest.ownBells == 0 ? 0 : 2
    default: 0
    }
  }

  func open(_ id: UInt32 = 0) throws -> DeviceHandle {
    DeviceHandle(rawValue: try ask(.openDevice(id: id, version: 1)).value)
  }

  /// One region of 64 KiB at 0x10000.
  func addMemory() throws {
    _ = try ask(.addMemory(Region(address: 0x10000, byteCount: 0x10000, fileOffset: 0)))
  }

  func share(
    _ handle: DeviceHandle, id: UInt32 = 0, priority: UInt32 = 0, cookie: UInt64 = 0
  ) throws -> SignalHandle {
    let reply = try ask(
      .shareMemory(
        ShareRequest(
          handle: handle, id: id, address: 0x10000, byteCount: 120, signalOffset: 8,
          priority: priority, cookie: cookie)))
    return SignalHandle(rawValue: UInt32(truncatingIfNeeded: reply.value))
  }

  func add(_ id: UInt32) {
    guard container.bus.add(Self.device, as: id) else { return }
    for session in container.sessions { session.deviceAdded(id) }
  }

  func drop(_ id: UInt32) {
    container.bus.drop(id)
    for session in container.sessions { session.deviceDropped(id) }
  }

  func end() -> [OpenDevice] { session.end(on: &container.bus) }

  /// All events that wait.
  func events() -> [Event] {
    var events: [Event] = []
    while let event = session.nextEvent(on: container.bus) { events.append(event) }
    return events
  }
}
