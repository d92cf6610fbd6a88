package import SharedMemory
package import Virtio

extension SplitRing {
  /// The device's half of a block that was checked, and has `size` entries.
  package init(
    inBlock window: SharedWindow, size: QueueSize, memory: GuestMemory, start: UInt16 = 0,
    features: FeatureBits, log: InflightLog? = nil
  ) throws(RingFault) {
    let areas = VirtqueueLayout.areas(of: window, size)
    try self.init(
      size: size, descriptors: areas.descriptors, available: areas.available, used: areas.used,
      memory: memory, start: start, features: features, log: log)
  }
}

extension SplitDriverRing {
  /// The driver's half of a block that was just formatted with `size` entries.
  package init(inBlock window: SharedWindow, size: QueueSize, features: FeatureBits) {
    let areas = VirtqueueLayout.areas(of: window, size)
    self.init(
      size, descriptors: areas.descriptors, available: areas.available, used: areas.used,
      features: features)
  }
}

extension VirtqueueLayout {
  fileprivate static func areas(
    of window: SharedWindow, _ size: QueueSize
  ) -> (descriptors: SharedWindow, available: SharedWindow, used: SharedWindow) {
    let layout = SplitLayout(size)
    return (
      window.window(at: descriptors, byteCount: layout.descriptorsByteCount),
      window.window(at: available(size), byteCount: layout.availableByteCount),
      window.window(at: used(size), byteCount: layout.usedByteCount)
    )
  }
}
