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

  package init() throws { loop = try EventLoop() }

  package func wake(queue index: Int) { wakes.append(index) }

  package func configurationChanged() {}

  package func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common {
    commons.one(name, make: make)
  }

  package func hostFailed(_ sentence: String) { failure = sentence }

  /// Turns the loop until the model wakes a queue; true when it did. Forgets all wakes.
  package func awaitWake(of queue: Int, turns: Int = 100) throws -> Bool {
    for _ in 0..<turns where !wakes.contains(queue) { try loop.turn(milliseconds: 100) }
    defer { wakes = [] }
    return wakes.contains(queue)
  }

  /// Turns the loop as long as something is ready.
  package func settle() throws { for _ in 0..<20 { try loop.turn(milliseconds: 0) } }
}
