public import LinuxSystem
public import Vbus
internal import VbusLink

/// A connector over a container's UNIX socket: memory files and bells travel as descriptors, so
/// host and client work on the same bytes.
public final class SocketConnector: Connector, MessageConnector {
  /// What a client may choose.
  public struct Options: Sendable {
    /// How long a reply is waited for, and a listener that is busy. An engine is replaced in much
    /// less than a second.
    public var patienceMilliseconds: UInt32 = 10_000
    /// The entries of each event queue, which are priorities, the lowest first. None: events come
    /// as messages.
    public var eventQueues: [IoqSize] = []
    /// Signals may have bells of their own.
    public var wantsOwnBells = true
    /// Requests may go through memory and two bells, where the host takes them so: half the time.
    public var wantsFastCalls = true

    /// What is usual.
    public init() {}
  }

  let channel: Channel
  let options: Options
  let watched: DescriptorSet
  /// Rung while the inbox has something, for the sake of who waits for `descriptor`.
  let waiting: EventDescriptor
  var agreed: Capabilities = []
  package var space = ClientSpace()
  package var inbox = Inbox()
  var rings: [EventRing] = []
  var fastCall: FastCall?
  var isEnded = false
  /// Of the newest request. Tags of consecutive requests differ, as they have to.
  var tag: UInt32 = 0

  public var capabilities: ConnectorCapabilities {
    ConnectorCapabilities(
      ringFormats: [.ioq, .virtqueue], sharesMemory: true,
      hasOwnBells: agreed.contains(.ownBells) && options.wantsOwnBells)
  }

  public var descriptor: Descriptor { watched.descriptor }

  /// Connects to the socket of a container. The path may be a link, of any length.
  public convenience init(
    connectingTo path: String, options: Options = Options()
  ) throws(BusError) {
    let deadline = Deadline(milliseconds: options.patienceMilliseconds)
    try self.init(Self.connected(to: path, deadline), options: options)
  }

  private static func connected(
    to path: String, _ deadline: Deadline
  ) throws(BusError) -> Channel {
    while true {
      do throws(Errno) { return try connectPackets(toAnyLength: path) } catch {
        // Only a full backlog passes by itself.
        guard error == .again else { throw .unreachable(error) }
        guard !deadline.hasPassed else { throw .timedOut }
        pause(milliseconds: 2)
      }
    }
  }

  /// A connector on a channel that is connected already. It says HELLO and READY.
  package init(_ channel: Channel, options: Options = Options()) throws(BusError) {
    self.channel = channel
    self.options = options
    do throws(Errno) {
      watched = try DescriptorSet()
      waiting = try EventDescriptor()
      // So that a reply is waited for and taken by one call.
      try setReceiveTimeout(
        of: channel.descriptor, milliseconds: options.patienceMilliseconds)
      try watched.add(channel.descriptor)
      try watched.add(waiting.descriptor)
    } catch { throw .exhausted(error) }
    do throws(BusError) { try begin() } catch {
      disconnect()
      throw error
    }
  }

  private func begin() throws(BusError) {
    let hello = Request.hello(
      magic: Request.magicNumber, version: Request.versionNumber, .implemented)
    agreed = Capabilities(rawValue: try ask(hello, []))
    if options.wantsFastCalls, agreed.contains(.fastCalls) { try addFastCall() }
    if !options.eventQueues.isEmpty { try addEventQueues() }
    _ = try ask(.ready, [])
  }

  /// Behind the data of calls lies the block through which they go.
  private func addFastCall() throws(BusError) {
    let memory = try memoryForCalls()
    let block: FastCall
    do throws(Errno) {
      block = try FastCall(
        in: memory, at: Int(Limits.callByteCountMax), beside: channel.descriptor)
    } catch { throw .exhausted(error) }
    do throws(BusError) {
      _ = try ask(
        .addFastCall(address: block.address),
        [block.bells.host.descriptor, block.bells.client.descriptor])
      fastCall = block
    } catch {
      // A host that cannot after all is reached by the socket.
      guard case .refused = error else { throw error }
    }
  }

  /// All queues lie in one memory, one behind the other.
  private func addEventQueues() throws(BusError) {
    guard agreed.contains(.eventQueues) else { throw .refused(.notSupported) }
    let byteCounts = options.eventQueues.map { (EventRing.byteCount($0) + 7) / 8 * 8 }
    let memory = try makeMemory(byteCount: byteCounts.reduce(0, +))
    var offset = 0
    for (priority, size) in options.eventQueues.enumerated() {
      let ring = try EventRing(size, priority: priority, in: memory, at: offset)
      offset += byteCounts[priority]
      _ = try ask(
        .addEventQueue(ring.queue),
        [ring.bells.host.descriptor, ring.bells.client.descriptor])
      do throws(Errno) { try watched.add(ring.bells.client.descriptor) } catch {
        throw .exhausted(error)
      }
      rings.append(ring)
    }
  }

  public func disconnect() {
    isEnded = true
    LinuxSystem.disconnect(channel.descriptor)
  }
}
