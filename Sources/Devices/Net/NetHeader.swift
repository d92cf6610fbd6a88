package import Virtio

/// What stands before each frame in a virtqueue, struct virtio_net_hdr (VIRTIO 1.2 section 5.1.6).
package struct NetHeader: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 12
  /// Without VIRTIO_F_VERSION_1 and VIRTIO_NET_F_MRG_RXBUF there is no num_buffers (5.1.6.1).
  package static let legacyByteCount = 10

  /// VIRTIO_NET_HDR_F_NEEDS_CSUM and VIRTIO_NET_HDR_F_DATA_VALID.
  package static let needsChecksum: UInt8 = 1
  package static let isDataValid: UInt8 = 2

  /// VIRTIO_NET_HDR_GSO_TCPV4, _TCPV6 and the bit _ECN.
  package static let tcp4: UInt8 = 1
  package static let tcp6: UInt8 = 4
  package static let ecn: UInt8 = 0x80

  package var flags: UInt8 = 0
  /// The kind of segmentation; 0: none.
  package var kind: UInt8 = 0
  package var headerByteCount: UInt16 = 0
  package var segmentByteCount: UInt16 = 0
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0
  package var bufferCount: UInt16 = 0

  /// A frame that is as it shall be on the wire.
  package init() {}

  /// Reads a header of either length.
  package init(_ bytes: borrowing Span<UInt8>) {
    precondition(bytes.count >= Self.legacyByteCount)
    flags = bytes[0]
    kind = bytes[1]
    headerByteCount = Self.word(bytes, at: 2)
    segmentByteCount = Self.word(bytes, at: 4)
    checksumStart = Self.word(bytes, at: 6)
    checksumOffset = Self.word(bytes, at: 8)
    bufferCount = bytes.count >= Self.byteCount ? Self.word(bytes, at: 10) : 0
  }

  private static func word(_ bytes: borrowing Span<UInt8>, at index: Int) -> UInt16 {
    UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
  }

  package var bytes: InlineArray<12, UInt8> {
    var bytes = InlineArray<12, UInt8>(repeating: 0)
    bytes[0] = flags
    bytes[1] = kind
    let words: InlineArray<5, UInt16> = [
      headerByteCount, segmentByteCount, checksumStart, checksumOffset, bufferCount,
    ]
    for index in 0..<5 {
      bytes[2 + 2 * index] = UInt8(truncatingIfNeeded: words[index])
      bytes[3 + 2 * index] = UInt8(words[index] >> 8)
    }
    return bytes
  }

  package var needsChecksum: Bool { flags & Self.needsChecksum != 0 }
  package var isSegmented: Bool { kind != 0 }

  /// The header as it may be believed when it comes from a driver with these features, before a
  /// frame of this many bytes; nil when it lies.
  package func checked(frameByteCount count: Int, from features: FeatureBits) -> NetHeader? {
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
  package func isTaken(by features: FeatureBits) -> Bool {
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
