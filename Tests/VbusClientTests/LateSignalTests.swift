import LinuxSystem
import Testing
import VbusClient
import VbusLink

@Suite("A signal of the bus is waited for", .timeLimit(.minutes(1)))
struct LateSignalTests {
  @Test("One that comes when the connector has just been looked into wakes who waits")
  func late() throws {
    let connector = try LateConnector()
    let client = try BusClient(connector)
    let memory = try BusMemory(at: 4096, byteCount: 4096)
    let share = try client.open(0).share(
      ShareWish(id: 0, memory: memory, offset: 0, byteCount: 16, signalOffset: 0))
    connector.late = share.wish.cookie
    #expect(try share.wait(milliseconds: 500))
    // Nobody waits for a connector that has nothing more to say.
    #expect(connector.hadSomething == [true])
  }
}

/// A connector whose signal comes right after it has said that there is none.
private final class LateConnector: Connector {
  private let bell: EventDescriptor
  private var event: Event?
  /// The cookie of a signal that is still to come.
  var late: UInt64?
  /// For each time somebody wanted to wait, whether something was there.
  private(set) var hadSomething: [Bool] = []

  init() throws { bell = try EventDescriptor() }

  var capabilities: ConnectorCapabilities {
    ConnectorCapabilities(ringFormats: [], sharesMemory: true, hasOwnBells: false)
  }

  var descriptor: Descriptor {
    if late != nil || event != nil { hadSomething.append(event != nil) }
    return bell.descriptor
  }

  func nextEvent(milliseconds: Int32) -> Event? {
    if let event {
      self.event = nil
      bell.clear()
      return event
    }
    if let late {
      event = .signal(cookie: late)
      self.late = nil
      bell.ring()
    }
    return nil
  }

  func share(_ handle: DeviceHandle, _ wish: ShareWish) -> SharedSignal? {
    SharedSignal(handle: SignalHandle(rawValue: 0))
  }

  func open(_ id: UInt32, version: UInt32) -> DeviceHandle { DeviceHandle(rawValue: 1) }
  func close(_ handle: DeviceHandle) {}
  func ring(_ signal: SignalHandle) {}
  func untoldCount() -> Int { 0 }
  func disconnect() {}
  func dropMemory(_ memory: BusMemory) {}
  func makeMemory(byteCount: Int) throws(BusError) -> BusMemory { throw .refused(.notSupported) }

  func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64 { throw .refused(.notTerminal) }
}
