import KeeperLab
import LinuxSystem
import Synchronization

/// Kills an engine and its successors at random moments, from a thread of its own: as often as
/// the keeper starts one again at once.
final class Killer: Sendable {
  private let done = Atomic(false)

  var isDone: Bool { done.load(ordering: .acquiring) }

  init(of control: Shepherd, seed: UInt64) throws {
    _ = try Thread { [self] in
      var random = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1
      var engine: Int32?
      for _ in 0..<8 {
        engine = try? control.awaitEngine(after: engine)
        guard let engine else { break }
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        pause(milliseconds: UInt32(random % 24))
        try? send(signal: Signal.kill, to: engine)
      }
      done.store(true, ordering: .releasing)
    }
  }
}
