import LinuxSystem
import Synchronization
import TestSupport

/// What a stream goes through on its way: threads that pass its bytes on, each in its manner.
enum Weather: Sendable {
  case singleBytes
  case slow
  /// Cut after some bytes, another number each time.
  case cuts(seed: UInt64)

  private static let connections = Atomic<UInt64>(0)

  /// The end that a client is to use instead of `socket`.
  func around(_ socket: Descriptor) throws -> Descriptor {
    let (near, far) = try makeStreamPair()
    try socket.setNonblocking(true)
    let number = Self.connections.add(1, ordering: .relaxed).newValue
    let passage = Passage(self, far, socket, number)
    _ = try Thread { passage.run(from: far, to: socket) }
    _ = try Thread { passage.run(from: socket, to: far) }
    return near
  }
}

/// Both directions of one stream.
private final class Passage: Sendable {
  private let weather: Weather
  private let ends: (Descriptor, Descriptor)
  /// Bytes until the cut, of both directions together.
  private let budget: Atomic<Int>

  init(_ weather: Weather, _ first: Descriptor, _ second: Descriptor, _ number: UInt64) {
    self.weather = weather
    ends = (first, second)
    guard case .cuts(let seed) = weather else {
      budget = Atomic(.max)
      return
    }
    var dice = Dice(seed &+ number &* 1_000_003)
    // Most before much was said, some in the middle of much.
    let limit = [120, 400, 3000, 20_000, 400_000][dice.below(5)]
    budget = Atomic(1 + dice.below(limit))
  }

  func run(from input: Descriptor, to output: Descriptor) {
    defer {
      disconnect(ends.0)
      disconnect(ends.1)
    }
    while wait(on: input, milliseconds: -1) {
      guard let bytes = try? read(input, upTo: 65536), !bytes.isEmpty else { return }
      if case .slow = weather { pause(milliseconds: 100) }
      let left = budget.subtract(bytes.count, ordering: .relaxed).oldValue
      guard pass(bytes.prefix(max(0, left)), to: output), left > bytes.count else { return }
    }
  }

  private func pass(_ bytes: ArraySlice<UInt8>, to output: Descriptor) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      var step = rest.count
      if case .singleBytes = weather { step = 1 }
      do throws(Errno) {
        let count = try writePart(of: Array(rest.prefix(step)).span, to: output.number)
        rest = rest.dropFirst(count)
      } catch {
        guard error == .again else { return false }
        _ = wait(for: .writable, on: output, milliseconds: 1000)
      }
    }
    return true
  }
}
