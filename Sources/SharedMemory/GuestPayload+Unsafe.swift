public import CLinux

/// Copies between a guest's memory and memory of ours. A range may span regions that adjoin.
extension GuestMemory {
  /// Copies `count` bytes from the guest to `bytes`, from index `start` on.
  @inlinable @inline(__always)
  public func copyOut(
    from address: GuestAddress, _ count: Int, into bytes: inout MutableSpan<UInt8>,
    at start: Int = 0
  ) throws(MemoryFault) {
    precondition(start >= 0 && count >= 0 && start <= bytes.count)
    precondition(bytes.count &- start >= count)
    // SAFETY: both ranges hold `count` bytes; ours is not the guest's. The pointer ends with the
    // call. Whoever copies the pieces gets it too: a span that is passed on has to be in memory.
    unsafe try bytes.withUnsafeMutableBytes { buffer throws(MemoryFault) in
      guard let to = buffer.baseAddress else { return }
      guard let found = unsafe locate(address.rawValue),
        unsafe found.count >= UInt64(truncatingIfNeeded: count)
      else { return unsafe try copyOutPieces(from: address, count, to: to + start) }
      unsafe linux_copy_shared(to + start, found.base, count)
    }
  }

  /// SAFETY: the caller has room for `count` bytes there, which are not the guest's.
  @inline(never) @usableFromInline
  func copyOutPieces(
    from address: GuestAddress, _ count: Int, to bytes: UnsafeMutableRawPointer
  ) throws(MemoryFault) {
    var done = 0
    while done < count {
      let part = unsafe try readable(at(address, done), UInt64(count - done))
      // SAFETY: both ranges hold `part.count` bytes; ours is not the guest's.
      if let from = part.baseAddress {
        unsafe linux_copy_shared(bytes + done, from, part.count)
      }
      done += part.count
    }
  }

  /// The twelve bytes at an address as two numbers, the first byte lowest; nil where they are not
  /// in one region.
  @inlinable @inline(__always)
  public func twelve(at address: GuestAddress) -> (low: UInt64, high: UInt32)? {
    guard let found = unsafe locate(address.rawValue), unsafe found.count >= 12 else { return nil }
    var low: UInt64 = 0
    var high: UInt32 = 0
    // SAFETY: that many bytes follow; read once, then never again.
    unsafe linux_copy_shared(&low, found.base, 8)
    unsafe linux_copy_shared(&high, found.base + 8, 4)
    return (low, high)
  }

  /// Copies twelve bytes, given as two numbers, and `bytes` behind them to the guest. False where
  /// the place is not in one region: nothing is copied.
  @inlinable @inline(__always)
  public func copyIn(
    _ twelve: (low: UInt64, high: UInt32), _ bytes: borrowing Span<UInt8>, to address: GuestAddress
  ) -> Bool {
    let count = bytes.count
    guard let found = unsafe locateToWrite(address.rawValue),
      unsafe found.count >= UInt64(truncatingIfNeeded: count &+ 12)
    else { return false }
    var (low, high) = twelve
    // SAFETY: that many bytes follow; ours are not the guest's.
    unsafe linux_copy_shared(found.base, &low, 8)
    unsafe linux_copy_shared(found.base + 8, &high, 4)
    unsafe bytes.withUnsafeBytes { buffer in
      guard let from = buffer.baseAddress else { return }
      unsafe linux_copy_shared(found.base + 12, from, count)
    }
    return true
  }

  /// Copies `bytes` to the guest.
  @inlinable @inline(__always)
  public func copyIn(_ bytes: borrowing Span<UInt8>, to address: GuestAddress) throws(MemoryFault) {
    let count = bytes.count
    guard let found = unsafe locateToWrite(address.rawValue),
      unsafe found.count >= UInt64(truncatingIfNeeded: count)
    else { return try copyInPieces(bytes, to: address) }
    // SAFETY: both ranges hold `count` bytes; ours is not the guest's.
    unsafe bytes.withUnsafeBytes { buffer in
      guard let from = buffer.baseAddress else { return }
      unsafe linux_copy_shared(found.base, from, count)
    }
  }

  @inline(never) @usableFromInline
  func copyInPieces(
    _ bytes: borrowing Span<UInt8>, to address: GuestAddress
  ) throws(MemoryFault) {
    var done = 0
    let count = bytes.count
    while done < count {
      let part = unsafe try writable(at(address, done), UInt64(count - done))
      // SAFETY: both ranges hold `part.count` bytes; ours is not the guest's.
      unsafe bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress, let to = part.baseAddress else {
          return
        }
        unsafe linux_copy_shared(to, start + done, part.count)
      }
      done += part.count
    }
  }

  package func fillZero(_ address: GuestAddress, _ byteCount: UInt64) throws(MemoryFault) {
    var done: UInt64 = 0
    while done < byteCount {
      let at = GuestAddress(address.rawValue &+ done)
      let part = unsafe try writable(at, byteCount - done)
      // SAFETY: the stretch is mapped and belongs to the guest, who may see any mixture.
      unsafe part.baseAddress?.initializeMemory(as: UInt8.self, repeating: 0, count: part.count)
      done += UInt64(part.count)
    }
  }

  /// Two 64-bit words: a descriptor of an indirect table, which no alignment is demanded of.
  @inline(__always)
  package func words(at address: GuestAddress) throws(MemoryFault) -> (UInt64, UInt64) {
    let part = unsafe try readable(address, 16)
    guard part.count == 16, let from = part.baseAddress else {
      return try dividedWords(at: address)
    }
    var words: (UInt64, UInt64) = (0, 0)
    // SAFETY: 16 bytes on both sides; read once, then never again.
    unsafe withUnsafeMutableBytes(of: &words) { buffer in
      if let to = buffer.baseAddress { unsafe linux_copy_shared(to, from, 16) }
    }
    return words
  }

  @inline(never)
  private func dividedWords(at address: GuestAddress) throws(MemoryFault) -> (UInt64, UInt64) {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    try copyOut(from: address, 16, into: &span)
    var words: (UInt64, UInt64) = (0, 0)
    for index in (0..<8).reversed() {
      words.0 = words.0 << 8 | UInt64(bytes[index])
      words.1 = words.1 << 8 | UInt64(bytes[index + 8])
    }
    return words
  }

  private func at(_ address: GuestAddress, _ done: Int) -> GuestAddress {
    GuestAddress(address.rawValue &+ UInt64(done))
  }
}
