internal import Synchronization
internal import VbusClient

/// The numbers that stand for objects: which bus each belongs to. A number is never given again, so
/// one that is stale names nothing.
///
/// Lock order: a bus, then this.
final class Handles: Sendable {
  static let all = Handles()

  private struct Table {
    var last: Int32 = 0
    var buses: [Int32: Bus] = [:]
  }

  private let table = Mutex(Table())

  /// One bus: a client and all that was made with it. One thread at a time.
  final class Bus: Sendable {
    let state: Mutex<BusState>
    init(_ state: sending BusState) { self.state = Mutex(state) }
  }

  /// Gives a number to something of a bus.
  func number(on bus: Bus) throws(CallFault) -> Int32 {
    try table.withLock { (table) throws(CallFault) in
      guard table.last < .max else { throw .noNumberLeft }
      table.last += 1
      table.buses[table.last] = bus
      return table.last
    }
  }

  func remove(_ numbers: [Int32]) {
    table.withLock { table in for number in numbers { table.buses[number] = nil } }
  }

  private func bus(of number: Int32) -> Bus? { table.withLock { $0.buses[number] } }

  /// Connects; answers the bus's number.
  func connect(to path: String) throws(CallFault) -> Int32 {
    let bus = Bus(BusState(try client(of: path)))
    let number = try number(on: bus)
    bus.state.withLock { $0.number = number }
    return number
  }

  private func client(of path: String) throws(CallFault) -> sending BusClient {
    do throws(BusError) { return try BusClient(connectingTo: path) } catch { throw .bus(error) }
  }

  /// Works on the bus that a number belongs to.
  func with<Result: Sendable>(
    _ number: Int32, _ body: (inout BusState, Bus) throws(CallFault) -> Result
  ) throws(CallFault) -> Result {
    guard let bus = bus(of: number) else { throw .noSuchNumber(number) }
    return try bus.state.withLock { (state) throws(CallFault) in try body(&state, bus) }
  }
}
