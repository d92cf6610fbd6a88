public import LinuxSystem
public import VbusLink

/// A device of a bus, as its clients see it.
public struct BusDevice: Hashable, Sendable {
  /// Its number on the bus, which no other device gets.
  public let id: UInt32
  /// The interface type, by which a driver finds its devices.
  public let type: String
}

/// A client of one container: what is on its bus, and the way to open it.
///
/// One thread uses it and all that it hands out. Whoever waits for several things waits for
/// `descriptor` and the descriptors of queues with poll(2), and then asks each for what it has.
public final class BusClient {
  /// The way to the bus.
  public let connector: any Connector
  /// What came while something else was waited for.
  private var inbox = Inbox()
  private let watched: DescriptorSet
  /// Rung while the inbox has something.
  private let waiting: EventDescriptor
  private var lastCookie: UInt64 = 0
  /// Why nothing more comes.
  private var end: BusError?

  /// A client over a connector, which is its own from here on.
  public init(_ connector: any Connector) throws(BusError) {
    self.connector = connector
    do throws(Errno) {
      watched = try DescriptorSet()
      waiting = try EventDescriptor()
      try watched.add(connector.descriptor)
      try watched.add(waiting.descriptor)
    } catch { throw .exhausted(error) }
  }

  /// A client of the container whose socket this is.
  public convenience init(
    connectingTo path: String, options: SocketConnector.Options = .init()
  ) throws(BusError) {
    try self.init(SocketConnector(connectingTo: path, options: options))
  }

  /// Readable while `nextEvent` has something to take or to say.
  public var descriptor: Descriptor { watched.descriptor }

  /// How often the host is asked whether it has told everything; it tells a few hundred at a time.
  private static let questionsMax = 10_000

  /// All devices that are on the bus now, in the order of their ids. `nextEvent` tells of each of
  /// them too, once.
  public func devices() throws(BusError) -> [BusDevice] {
    for _ in 0..<Self.questionsMax {
      let untold = try connector.untoldCount()
      try checkedPump()
      guard untold > 0 else { break }
    }
    return inbox.devices.map { BusDevice(id: $0.id, type: $0.type) }
  }

  /// What happens on the bus next; nil when nothing did in time. Less than 0 milliseconds wait for
  /// ever.
  ///
  /// Signals come here only of what was shared without bells of its own, and not when somebody
  /// waits for just them.
  public func nextEvent(milliseconds: Int32) throws(BusError) -> Event? {
    let deadline = Deadline(orNever: milliseconds)
    while true {
      if let event = inbox.next() {
        quieten()
        return event
      }
      pump()
      guard inbox.isEmpty else { continue }
      if let end { throw end }
      if deadline.hasPassed { return nil }
      _ = wait(on: connector.descriptor, milliseconds: deadline.rest)
    }
  }

  /// Opens a device with this version of its calls. ENOENT for an id that is not there, EINVAL for
  /// another version, EBUSY while anybody has it open.
  public func open(_ id: UInt32, version: UInt32 = 1) throws(BusError) -> DeviceConnection {
    DeviceConnection(id: id, handle: try connector.open(id, version: version), client: self)
  }

  /// Makes memory of which buffers can be taken, at most `BusMemory.byteCountMax` bytes of zeroes;
  /// what is not used takes none of the machine's. EINVAL for another size, ENOSPC when the client
  /// has as many memories as a host maps, some 60.
  public func makeMemory(byteCount: Int) throws(BusError) -> ClientMemory {
    ClientMemory(try connector.makeMemory(byteCount: byteCount))
  }

  /// Takes memory away from the host, which can have so many; EBUSY while any of it is shared. Its
  /// buffers mean nothing to devices any more.
  public func dropMemory(_ memory: ClientMemory) throws(BusError) {
    try connector.dropMemory(memory.memory)
  }

  /// Ends the connection: every device is closed.
  public func disconnect() { connector.disconnect() }
}

// MARK: - Signals

extension BusClient {
  /// A number that no signal of this client has had.
  func newCookie() -> UInt64 {
    lastCookie += 1
    return lastCookie
  }

  func expect(_ cookie: UInt64) { inbox.expect(cookie) }
  func forget(_ cookie: UInt64) { inbox.forget(cookie) }

  /// Takes over what the connector has, without waiting.
  private func pump() {
    guard end == nil else { return }
    let wasEmpty = inbox.isEmpty
    defer { if wasEmpty, !inbox.isEmpty { waiting.ring() } }
    do throws(BusError) {
      // Bounded: a host that never stops must not keep anybody here.
      for _ in 0..<Self.eventsPerTurn {
        guard let event = try connector.nextEvent(milliseconds: 0) else { return }
        try inbox.append(event)
      }
    } catch { end = error }
  }

  private static let eventsPerTurn = 2 * Limits.devicesMax

  /// As above, for who waits for something else than events: throws when nothing more comes.
  func checkedPump() throws(BusError) {
    pump()
    if let end { throw end }
  }

  /// As above, of a signal: takes one that was raised. Looks into the connector once: nobody would be
  /// woken for what a second look took out of it.
  func checkedTake(_ cookie: UInt64) throws(BusError) -> Bool {
    if takeSignal(cookie) { return true }
    if let end { throw end }
    return false
  }

  private func quieten() { if inbox.isEmpty { waiting.clear() } }

  /// Takes a signal that was raised; false when it was not.
  func takeSignal(_ cookie: UInt64) -> Bool {
    pump()
    guard inbox.take(cookie) else { return false }
    quieten()
    return true
  }
}
