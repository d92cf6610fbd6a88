internal import BenchTwins
internal import SharedMemory
internal import Virtio

/// A device that reads the first 8 bytes of each readable buffer and writes them to the writable
/// ones: the least that a device can do with a chain.
struct Device: ~Copyable {
  private var ring: SplitRing
  private let memory: GuestMemory
  private var segments = Segments()

  init(_ ring: consuming SplitRing, _ memory: GuestMemory) {
    self.ring = ring
    self.memory = memory
  }

  /// Serves until nothing waits; answers the interrupts that it owes, as `twin_serve` does.
  mutating func serve() throws -> Int32 {
    var interrupts: Int32 = 0
    var word = InlineArray<8, UInt8>(repeating: 0)
    repeat {
      ring.disableKicks()
      while let loan = try ring.next(&segments) {
        do throws(MemoryFault) { try touch(&word) } catch {
          loan.forfeit()
          throw error
        }
        ring.settle(loan, written: 8)
      }
      ring.publish()
      if ring.shouldInterrupt() { interrupts += 1 }
    } while ring.enableKicks()
    return interrupts
  }

  @inline(__always)
  private mutating func touch(_ word: inout InlineArray<8, UInt8>) throws(MemoryFault) {
    for index in 0..<segments.count {
      let segment = segments[index]
      guard segment.count >= 8 else {
        throw .outside(address: segment.address.rawValue, byteCount: 8)
      }
      if segment.isWritable {
        try memory.copyIn(word.span, to: segment.address)
      } else {
        var bytes = word.mutableSpan
        try memory.copyOut(from: segment.address, 8, into: &bytes)
      }
    }
  }
}
