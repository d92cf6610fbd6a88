// Both sides have a `BusClient`; here it is the host's.
package import class Engine.BusClient
package import Engine
package import LinuxSystem
package import VbusClient
package import VbusLink

/// A connector to a bus that is served in this very process, by a loop on another thread
/// (`EventLoop.runBeside`): no socket, and no message is copied.
///
/// It is also the template for another one: what `MessageConnector` asks for, and nothing else. The
/// host's side of every connector is `Engine.BusClient`; the client's side are these members.
///
///     let thread = try loop.runBeside()
///     let client = try BusClient(InProcessConnector(to: engine.bus, on: loop))
package final class InProcessConnector: MessageConnector {
  package var space = ClientSpace()
  package var inbox = Inbox()
  /// Keeps what the client sends for as long as it may be needed. A client in the process that
  /// serves it has nothing that has to outlive it.
  private final class Vault: ClientVault {
    func keep(_ descriptor: Descriptor, as name: String) {}
    func letGo(_ name: String) {}
  }

  private let loop: EventLoop
  /// The host's half. It is touched in the loop's turns only.
  private let host: BusClient
  private let vault: Vault
  private let waiting: EventDescriptor
  private var agreed: Capabilities = []
  private var tag: UInt32 = 0
  private var isEnded = false

  package var capabilities: ConnectorCapabilities {
    ConnectorCapabilities(
      ringFormats: [.ioq, .virtqueue], sharesMemory: true, hasOwnBells: agreed.contains(.ownBells))
  }

  package var descriptor: Descriptor { waiting.descriptor }

  /// Attaches to a bus and says HELLO and READY.
  package init(to bus: ContainerBus, on loop: EventLoop) throws(BusError) {
    self.loop = loop
    let vault = Vault()
    self.vault = vault
    do throws(Errno) { waiting = try EventDescriptor() } catch { throw .exhausted(error) }
    var attached: BusClient?
    loop.alone { attached = bus.attach(vault: vault) }
    guard let attached else { throw .unreachable(.noSpace) }
    host = attached
    let bell = waiting
    loop.alone { attached.onEvents = { bell.ring() } }
    let hello = Request.hello(
      magic: Request.magicNumber, version: Request.versionNumber, .implemented)
    agreed = Capabilities(rawValue: try ask(hello, []))
    _ = try ask(.ready, [])
  }

  /// The host answers within one of its loop's turns.
  package func ask(
    _ request: Request, _ descriptors: [Descriptor]
  ) throws(BusError) -> UInt64 {
    guard !isEnded else { throw .disconnected }
    tag &+= 1
    var reply: Reply?
    loop.alone { reply = try? host.answer(request.bytes(tag: tag), descriptors) }
    guard let reply else {
      isEnded = true
      throw .disconnected
    }
    if let errno = reply.errno { throw .refused(errno) }
    return reply.value
  }

  package func nextEvent(milliseconds: Int32) throws(BusError) -> Event? {
    let deadline = Deadline(orNever: milliseconds)
    while true {
      waiting.clear()
      try takeEvents()
      if let event = inbox.next() {
        if !inbox.isEmpty { waiting.ring() }
        return event
      }
      guard !isEnded else { throw .disconnected }
      if deadline.hasPassed { return nil }
      _ = wait(on: waiting.descriptor, milliseconds: deadline.rest)
    }
  }

  private func takeEvents() throws(BusError) {
    var events: [Event] = []
    guard !isEnded else { return }
    let isThere = loop.alone {
      _ = host.deliverEvents { event in
        events.append(event)
        return true
      }
    }
    if !isThere { isEnded = true }
    for event in events { try inbox.append(event) }
  }

  package func untoldCount() throws(BusError) -> Int { Int(try ask(.untold, [])) }

  package func disconnect() {
    guard !isEnded else { return }
    isEnded = true
    loop.alone { host.end() }
    waiting.ring()
  }
}
