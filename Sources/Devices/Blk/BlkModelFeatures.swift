package import Virtio

/// The feature bits of a disk (VIRTIO 1.2 section 5.2.3), beside those of every device.
extension FeatureBits {
  package static let blkSizeMax = FeatureBits(bit: 1)
  package static let blkSegMax = FeatureBits(bit: 2)
  package static let blkReadOnly = FeatureBits(bit: 5)
  package static let blkBlockSize = FeatureBits(bit: 6)
  package static let blkFlush = FeatureBits(bit: 9)
  package static let blkTopology = FeatureBits(bit: 10)
  package static let blkConfigWriteCache = FeatureBits(bit: 11)
  package static let blkMultiQueue = FeatureBits(bit: 12)
  package static let blkDiscard = FeatureBits(bit: 13)
  package static let blkWriteZeroes = FeatureBits(bit: 14)
}
