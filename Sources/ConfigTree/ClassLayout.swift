internal import Model

/// A class's tables, by name: what turns a file name into a node without a search.
final class ClassLayout {
  let place: Int
  let table: DeviceClass
  /// The device's directory, but for `container`, which is there only while plugged in.
  private(set) var directory: [[UInt8]: DeviceNode] = [:]
  private(set) var limits: [[UInt8]: DeviceNode] = [:]
  private(set) var bits: [[UInt8]: DeviceNode] = [:]
  private(set) var counters: [[UInt8]: DeviceNode] = [:]
  let knownBits: UInt64

  init(_ table: DeviceClass, at place: Int) {
    self.place = place
    self.table = table
    knownBits = table.features.reduce(0) { $0 | $1.mask }
    for file in DeviceFile.typed + [.enabled] { directory[Array(file.name.utf8)] = .file(file) }
    if table.hasLimits {
      directory[Array(DeviceFile.limits.name.utf8)] = .file(.limits)
    }
    for (index, attribute) in table.attributes.enumerated() {
      let name = Array(attribute.name.utf8)
      switch attribute.place {
      case .device: directory[name] = .attribute(index)
      case .limits: limits[name] = .attribute(index)
      }
    }
    for feature in table.features { bits[Array(feature.name.utf8)] = .bit(feature.bit) }
    for (index, counter) in table.counters.enumerated() {
      counters[Array(counter.name.utf8)] = .counter(index)
    }
  }

  func feature(_ bit: Int) -> FeatureSpec? { table.features.first { $0.bit == bit } }
}
