internal import Engine
package import LinuxSystem

/// What a live device gives its model, with a loop that a test turns.
package final class PlayedHost: DeviceHost {
  package let loop: EventLoop
  /// The queues that were woken, the newest last.
  package private(set) var wakes: [Int] = []
  /// Why the host side is gone; `nil` while it is there.
  package private(set) var failure: String?
  private let commons = Commons()

  /// What a native client shares: entries of rings by queue, and other memories by id.
  package var rings: [Int: Int] = [:]
  package var shares: [UInt32: (address: UInt64, byteCount: UInt32)] = [:]
  /// Why rings do not start; `nil` when they do.
  package var startFault: Errno?
  /// What the model asked of the rings, the newest last.
  package private(set) var deeds: [Deed] = []
  /// Serves a queue that shall be drained.
  package var onDrain: (Int) -> Void = { _ in }

  package enum Deed: Equatable {
    case start, stop
    case drain(Int)
    case flush(Int)
  }

  package init() throws { loop = try EventLoop() }

  package func wake(queue index: Int) { wakes.append(index) }

  package func configurationChanged() {}

  package func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common {
    commons.one(name, make: make)
  }

  package func hostFailed(_ sentence: String) { failure = sentence }

  package func hasRing(_ queue: Int) -> Bool { rings[queue] != nil }
  package func capacity(ofRing queue: Int) -> Int? { rings[queue] }

  package func startRings() throws(Errno) {
    if let startFault { throw startFault }
    deeds.append(.start)
  }

  package func stopRings() { deeds.append(.stop) }

  package func drain(queue index: Int) {
    deeds.append(.drain(index))
    onDrain(index)
  }

  package func flush(queue index: Int) { deeds.append(.flush(index)) }

  package func sharedBytes(_ id: UInt32) -> (address: UInt64, byteCount: UInt32)? { shares[id] }

  /// Turns the loop until the model wakes a queue; true when it did. Forgets all wakes.
  package func awaitWake(of queue: Int, turns: Int = 100) throws -> Bool {
    for _ in 0..<turns where !wakes.contains(queue) { try loop.turn(milliseconds: 100) }
    defer { wakes = [] }
    return wakes.contains(queue)
  }

  /// Turns the loop as long as something is ready.
  package func settle() throws { for _ in 0..<20 { try loop.turn(milliseconds: 0) } }
}
