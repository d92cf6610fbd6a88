internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Serves requests for random bytes. A value without references that are counted per request.
struct RngSource: ~Copyable {
  let counters: RngCounters
  var bucket: TokenBucket
  /// How long serving has to wait for the rate, in milliseconds.
  private(set) var wait: UInt64 = 0
  private var segments = Segments()
  private var scratch = [UInt8](repeating: 0, count: RngSource.requestByteCountMax)

  /// What one request gets at most. The device may use less than the whole buffer (VIRTIO 1.2
  /// section 5.4.6.2), and a generator wants no more.
  static let requestByteCountMax = 4096

  init(counters: RngCounters, bucket: TokenBucket) {
    self.counters = counters
    self.bucket = bucket
  }

  /// `.idle` when the rate is used up: `wait` says for how long.
  mutating func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    for _ in 0..<budget {
      guard let loan = try ring.next(&segments) else { return .drained }
      let wanted = min(segments.writableBytes, UInt64(Self.requestByteCountMax))
      let granted = bucket.available(wanted, at: monotonicNanoseconds())
      guard granted > 0 || wanted == 0 else {
        wait = max(1, bucket.wait(for: wanted))
        ring.putBack(loan)
        return .idle
      }
      let filled: Int
      do { filled = try fill(Int(granted), memory) } catch {
        loan.forfeit()
        throw .memory(error)
      }
      ring.settle(loan, written: UInt32(filled))
      bucket.take(granted)
      counters.add(UInt64(filled), to: .bytes)
      counters.add(1, to: .requests)
    }
    return .more
  }

  /// Answers how many bytes the guest got: none where the kernel gives none, rather than some
  /// that are not random.
  private mutating func fill(_ count: Int, _ memory: GuestMemory) throws(MemoryFault) -> Int {
    var bytes = scratch.mutableSpan
    do { try fillRandom(&bytes, count) } catch { return 0 }
    var place = segments.writable(from: 0)
    return try segments.copyIn(scratch.span.extracting(0..<count), at: &place, of: memory)
  }
}
