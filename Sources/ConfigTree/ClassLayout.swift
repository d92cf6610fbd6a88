internal import Model

/// A class's tables, by name: what turns a file name into a node without a search.
final class ClassLayout {
  let place: Int
  let table: DeviceClass
  /// The device's directory. `container` is there only while it is plugged in.
  let directory = NameTable()
  let limits = NameTable()
  let bits = NameTable()
  let counters = NameTable()
  let knownBits: UInt64

  init(_ table: DeviceClass, at place: Int) {
    self.place = place
    self.table = table
    knownBits = table.features.reduce(0) { $0 | $1.mask }
    for file in DeviceFile.typed + [.container, .enabled] + (table.hasLimits ? [.limits] : []) {
      directory.insert(.file(file), named: file.name)
    }
    for (index, attribute) in table.attributes.enumerated() {
      switch attribute.place {
      case .device: directory.insert(.attribute(index), named: attribute.name)
      case .limits: limits.insert(.attribute(index), named: attribute.name)
      }
    }
    for feature in table.features { bits.insert(.bit(feature.bit), named: feature.name) }
    for (index, counter) in table.counters.enumerated() {
      counters.insert(.counter(index), named: counter.name)
    }
  }

  func feature(_ bit: Int) -> FeatureSpec? { table.features.first { $0.bit == bit } }
}
