extension [UInt8] {
  /// A copy of bytes that are only lent.
  package init(_ bytes: Span<UInt8>) {
    // SAFETY: the bytes live for the call, and are only read.
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }
}
