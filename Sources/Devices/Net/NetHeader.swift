internal import SharedMemory
package import Virtio

/// What stands before each frame in a virtqueue, struct virtio_net_hdr (VIRTIO 1.2 section 5.1.6).
package struct NetHeader: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 12
  /// Without VIRTIO_F_VERSION_1 and VIRTIO_NET_F_MRG_RXBUF there is no num_buffers (5.1.6.1).
  package static let legacyByteCount = 10

  /// VIRTIO_NET_HDR_F_NEEDS_CSUM.
  package static let needsChecksum: UInt8 = 1

  /// VIRTIO_NET_HDR_GSO_TCPV4, _TCPV6 and the bit _ECN.
  package static let tcp4: UInt8 = 1
  package static let tcp6: UInt8 = 4
  package static let ecn: UInt8 = 0x80

  /// Its bytes as two numbers, the first byte lowest: so it is handed on in two registers. The
  /// upper half of the second is zero.
  private(set) var low: UInt64 = 0
  private(set) var high: UInt64 = 0

  package var flags: UInt8 {
    get { UInt8(truncatingIfNeeded: low) }
    set { Self.set(&low, at: 0, UInt8.max, newValue) }
  }
  /// The kind of segmentation; 0: none.
  package var kind: UInt8 {
    get { UInt8(truncatingIfNeeded: low >> 8) }
    set { Self.set(&low, at: 8, UInt8.max, newValue) }
  }
  package var headerByteCount: UInt16 {
    get { UInt16(truncatingIfNeeded: low >> 16) }
    set { Self.set(&low, at: 16, UInt16.max, newValue) }
  }
  package var segmentByteCount: UInt16 {
    get { UInt16(truncatingIfNeeded: low >> 32) }
    set { Self.set(&low, at: 32, UInt16.max, newValue) }
  }
  package var checksumStart: UInt16 {
    get { UInt16(truncatingIfNeeded: low >> 48) }
    set { Self.set(&low, at: 48, UInt16.max, newValue) }
  }
  package var checksumOffset: UInt16 {
    get { UInt16(truncatingIfNeeded: high) }
    set { Self.set(&high, at: 0, UInt16.max, newValue) }
  }
  package var bufferCount: UInt16 {
    get { UInt16(truncatingIfNeeded: high >> 16) }
    set { Self.set(&high, at: 16, UInt16.max, newValue) }
  }

  @inline(__always)
  private static func set<Field: FixedWidthInteger>(
    _ word: inout UInt64, at shift: UInt64, _ mask: Field, _ value: Field
  ) {
    word = word & ~(UInt64(mask) << shift) | UInt64(value) << shift
  }

  /// A frame that is as it shall be on the wire.
  package init() {}

  /// The header of two words, of which the upper half of the second may be anything.
  @inline(__always)
  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high & 0xffff_ffff
  }

  /// Reads a header of either length.
  package init(_ bytes: borrowing Span<UInt8>) {
    precondition(bytes.count >= Self.legacyByteCount)
    low = wordOfBytes(bytes, at: 0)
    high = UInt64(bytes[8]) | UInt64(bytes[9]) << 8
    if bytes.count >= Self.byteCount { high |= UInt64(bytes[10]) << 16 | UInt64(bytes[11]) << 24 }
  }

  /// Its bytes as two numbers, the first byte lowest.
  @inline(__always)
  var words: (low: UInt64, high: UInt32) { (low, UInt32(truncatingIfNeeded: high)) }

  package var bytes: InlineArray<12, UInt8> {
    var bytes = InlineArray<12, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    // What overlaps is the same.
    setWordOfBytes(&span, at: 4, to: low >> 32 | high << 32)
    setWordOfBytes(&span, at: 0, to: low)
    return bytes
  }

  package var needsChecksum: Bool { flags & Self.needsChecksum != 0 }
  package var isSegmented: Bool { kind != 0 }

  /// The header as it may be believed when it comes from a driver with these features, before a
  /// frame of this many bytes; nil when it lies.
  @inline(__always)
  package func checked(frameByteCount count: Int, from features: FeatureBits) -> NetHeader? {
    isPlain ? NetHeader() : checkedClosely(frameByteCount: count, from: features)
  }

  /// Nothing of the frame is left to do.
  @inline(__always)
  var isPlain: Bool { flags & Self.needsChecksum | kind == 0 }

  @inline(never)
  private func checkedClosely(
    frameByteCount count: Int, from features: FeatureBits
  ) -> NetHeader? {
    var header = NetHeader()
    // 5.1.6.2.2: bits that a device does not know, and those for the other way, are ignored.
    if needsChecksum {
      // 5.1.6.2.1: without CSUM the driver sets no flags.
      guard features.contains(.netChecksum), hasChecksum(within: count) else { return nil }
      header.flags = Self.needsChecksum
      header.checksumStart = checksumStart
      header.checksumOffset = checksumOffset
    }
    guard isSegmented else { return header }
    guard Self.allowed(kind, features) else { return nil }
    // 5.1.6.2.1: a frame to be cut needs its checksums made, and a size to be cut to.
    guard needsChecksum, segmentByteCount > 0, Int(headerByteCount) <= count else { return nil }
    header.kind = kind
    header.headerByteCount = headerByteCount
    header.segmentByteCount = segmentByteCount
    return header
  }

  /// Both bytes of the checksum lie in the frame, behind its Ethernet header.
  package func hasChecksum(within count: Int) -> Bool {
    Int(checksumStart) >= NetLimits.ethernetByteCount
      && Int(checksumStart) + Int(checksumOffset) + 2 <= count
  }

  /// 5.1.6.2.1: no kind that was not negotiated; UDP never is.
  private static func allowed(_ kind: UInt8, _ features: FeatureBits) -> Bool {
    if kind & ecn != 0, !features.contains(.netHostECN) { return false }
    switch kind & ~ecn {
    case tcp4: return features.contains(.netHostTSO4)
    case tcp6: return features.contains(.netHostTSO6)
    default: return false
    }
  }

  /// Whether a driver with these features takes the frame as it is (5.1.6.4).
  @inline(__always)
  package func isTaken(by features: FeatureBits) -> Bool {
    isPlain || isTakenAsItIs(by: features)
  }

  @inline(never)
  private func isTakenAsItIs(by features: FeatureBits) -> Bool {
    if needsChecksum, !features.contains(.netGuestChecksum) { return false }
    if kind & Self.ecn != 0, !features.contains(.netGuestECN) { return false }
    switch kind & ~Self.ecn {
    case 0: return true
    case Self.tcp4: return features.contains(.netGuestTSO4)
    case Self.tcp6: return features.contains(.netGuestTSO6)
    default: return false
    }
  }
}
