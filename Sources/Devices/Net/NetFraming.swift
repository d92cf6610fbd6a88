internal import Virtio

/// In what form frames stand in a card's queues.
enum NetFraming: Sendable {
  /// Behind a header (VIRTIO 1.2 section 5.1.6).
  case virtio
  /// As they are on the wire: the interface "virtual-ethernet".
  case flat
  /// In parts that a header names (`VenetPacket`): the same with SG negotiated.
  case scattered

  /// How much stands before a frame in its chain. Where no chain holds a frame it is more than any
  /// chain holds: so the way of the others asks nothing more of each frame.
  func leadByteCount(_ features: FeatureBits) -> Int {
    switch self {
    case .virtio: features.netHeaderByteCount
    case .flat: 0
    case .scattered: 1 << 40
    }
  }
}

extension FeatureBits {
  /// How long the header before each frame is (VIRTIO 1.2 section 5.1.6.1).
  fileprivate var netHeaderByteCount: Int {
    contains(.version1) || contains(.netMergeableBuffers)
      ? NetHeader.byteCount : NetHeader.legacyByteCount
  }
}
