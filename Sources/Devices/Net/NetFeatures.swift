package import Virtio

/// The feature bits of a network card (VIRTIO 1.2 section 5.1.3), beside those of every device.
extension FeatureBits {
  package static let netChecksum = FeatureBits(bit: 0)
  package static let netGuestChecksum = FeatureBits(bit: 1)
  package static let netMTU = FeatureBits(bit: 3)
  package static let netMAC = FeatureBits(bit: 5)
  package static let netGuestTSO4 = FeatureBits(bit: 7)
  package static let netGuestTSO6 = FeatureBits(bit: 8)
  package static let netGuestECN = FeatureBits(bit: 9)
  package static let netHostTSO4 = FeatureBits(bit: 11)
  package static let netHostTSO6 = FeatureBits(bit: 12)
  package static let netHostECN = FeatureBits(bit: 13)
  package static let netMergeableBuffers = FeatureBits(bit: 15)
  package static let netStatus = FeatureBits(bit: 16)
  package static let netControlQueue = FeatureBits(bit: 17)
  package static let netGuestAnnounce = FeatureBits(bit: 21)
  package static let netSpeedDuplex = FeatureBits(bit: 63)

  /// What needs a backend, or software, that completes checksums and cuts segments.
  package static let netOffloads: FeatureBits = [
    .netChecksum, .netGuestChecksum, .netGuestTSO4, .netGuestTSO6, .netGuestECN, .netHostTSO4,
    .netHostTSO6, .netHostECN,
  ]
}
