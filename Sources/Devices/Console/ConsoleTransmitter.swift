internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Takes what the guest prints. The guest never waits for a reader: its buffers go back at once.
struct ConsoleTransmitter: ~Copyable {
  private let counters: ConsoleCounters
  private var output = ConsoleOutput()
  private var segments = Segments()
  private var scratch = [UInt8](repeating: 0, count: ConsoleTransmitter.portion)

  private static let portion = 4096
  /// What is taken of one chain; consoles send a line or a page. The rest is dropped.
  private static let chainByteCountMax: UInt64 = 65536

  init(_ counters: ConsoleCounters) { self.counters = counters }

  var isEmpty: Bool { output.isEmpty }

  mutating func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    for _ in 0..<budget {
      guard let loan = try ring.next(&segments) else { return .drained }
      do { try take(memory) } catch {
        loan.forfeit()
        throw .memory(error)
      }
      ring.settle(loan, written: 0)
    }
    return .more
  }

  private mutating func take(_ memory: GuestMemory) throws(MemoryFault) {
    let count = segments.readableBytes
    let taken = min(count, Self.chainByteCountMax)
    var place = segments.readable(from: 0)
    var done: UInt64 = 0
    while done < taken {
      let part = try Self.copy(segments, &place, into: &scratch, of: memory)
      let used = Int(min(UInt64(part), taken - done))
      guard used > 0 else { break }
      let lost = output.append(scratch, used)
      counters.add(UInt64(lost), to: .dropped)
      done += UInt64(used)
    }
    counters.add(count, to: .transmittedBytes)
    counters.add(count - done, to: .dropped)
  }

  private static func copy(
    _ segments: borrowing Segments, _ place: inout Segments.Position,
    into scratch: inout [UInt8], of memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    var bytes = scratch.mutableSpan
    return try segments.copyOut(&place, into: &bytes, of: memory)
  }

  /// Hands on what the file takes now; `again` when it takes no more.
  mutating func flush(to file: Int32) throws(Errno) {
    // A file that takes byte by byte does not hold up the loop for long.
    for _ in 0..<64 where !output.isEmpty { _ = try output.write(to: file) }
  }

  /// Nobody will take what is left.
  mutating func drop() {
    counters.add(UInt64(output.count), to: .dropped)
    output.removeAll()
  }
}
