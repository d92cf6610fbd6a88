internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Gives the guest what is typed on the host. What it has no buffer for waits, here and then in the
/// host's own queues.
struct ConsoleReceiver: ~Copyable {
  private let counters: ConsoleCounters
  private var segments = Segments()
  private var input = [UInt8](repeating: 0, count: 4096)
  private var start = 0
  private var end = 0
  /// Nothing will ever come.
  private(set) var isOver: Bool

  init(_ counters: ConsoleCounters, isOver: Bool) {
    self.counters = counters
    self.isOver = isOver
  }

  /// `.idle` when nothing has been typed.
  mutating func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int, from file: Int32
  ) throws(RingFault) -> Progress {
    for _ in 0..<budget {
      guard fill(from: file) else { return .idle }
      guard let loan = try ring.next(&segments) else { return .drained }
      let given: Int
      do { given = try give(memory) } catch {
        loan.forfeit()
        throw .memory(error)
      }
      start += given
      ring.settle(loan, written: UInt32(given))
      counters.add(UInt64(given), to: .receivedBytes)
    }
    return .more
  }

  private mutating func give(_ memory: GuestMemory) throws(MemoryFault) -> Int {
    var place = segments.writable(from: 0)
    return try segments.copyIn(input.span.extracting(start..<end), at: &place, of: memory)
  }

  /// Whether there is input, once the last has been given.
  private mutating func fill(from file: Int32) -> Bool {
    guard start == end else { return true }
    guard !isOver else { return false }
    do throws(Errno) {
      let count = try readOnce(file, into: &input)
      (start, end) = (0, count)
      isOver = count == 0
    } catch {
      isOver = error != .again && error != .interrupted
    }
    return start < end
  }
}
