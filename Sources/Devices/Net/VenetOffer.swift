internal import VbusLink
internal import Virtio

/// What a card grants of the capabilities of its own interface. The administrator has one mask for
/// both interfaces, and this is the only place that knows which bits of both are the same thing.
struct VenetOffer {
  /// The features that the class has and the administrator lets a guest have.
  let available: FeatureBits

  /// Each with the features that it stands for. UFO and PMTD are never granted, nor is any bit of
  /// the group L4RO.
  private static let scatterGather: [(bit: VenetScatterGather, needs: FeatureBits)] = [
    // A frame in parts may ask for its checksum: who cannot have that sends flat frames.
    (.scatterGather, [.netChecksum]),
    (.tso4, [.netChecksum, .netHostTSO4]),
    (.tso6, [.netChecksum, .netHostTSO6]),
    (.ecn, [.netChecksum, .netHostECN]),
  ]

  private static let events: [(bit: VenetEventKinds, needs: FeatureBits)] = [
    (.linkState, [.netStatus]),
    // Nothing of virtio's: it tells what the queue itself shows.
    (.transmitComplete, []),
  ]

  /// Those of the wanted bits of a group that are granted.
  func granted(_ wanted: UInt32, of group: VenetGroup) -> UInt32 {
    switch group {
    case .scatterGather: wanted & bits(Self.scatterGather)
    case .events: wanted & bits(Self.events)
    case .largeReceive: 0
    }
  }

  private func bits<Bits: OptionSet>(
    _ table: [(bit: Bits, needs: FeatureBits)]
  ) -> UInt32 where Bits.RawValue == UInt32 {
    table.filter { available.isSuperset(of: $0.needs) }.reduce(0) { $0 | $1.bit.rawValue }
  }

  /// Virtio's words for what was negotiated: by these frames are checked and brought, as those of
  /// any card. A driver of this interface always knows the MTU. Large frames it only sends: to take
  /// them is the group L4RO.
  func features(_ bits: VenetScatterGather) -> FeatureBits {
    var features: FeatureBits = [.netMTU]
    guard bits.contains(.scatterGather) else { return features }
    for line in Self.scatterGather where bits.contains(line.bit) { features.formUnion(line.needs) }
    features.formUnion(available.intersection(.netGuestChecksum))
    return features
  }
}
