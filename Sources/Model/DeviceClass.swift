/// A feature bit of a class, by the specification's name in lower case.
package struct FeatureSpec: Sendable {
  package let bit: Int
  package let name: String
  package let help: String
  /// Bits without which this one must not be offered.
  package let needs: UInt64
  /// Bits of which this one needs one at least; 0 when it needs none.
  package let needsAny: UInt64

  /// `needs` and `needsAny` are numbers of bits. Precondition: all are below 64.
  package init(
    _ bit: Int, _ name: String, needs: [Int] = [], needsAny: [Int] = [], help: String
  ) {
    self.bit = bit
    self.name = name
    self.help = help
    self.needs = needs.reduce(0) { $0 | 1 << UInt64($1) }
    self.needsAny = needsAny.reduce(0) { $0 | 1 << UInt64($1) }
  }

  package var mask: UInt64 { 1 << UInt64(bit) }

  /// VIRTIO_F_VERSION_1 (VIRTIO 1.2 section 6): no device here speaks the legacy interface.
  package static let version1: UInt64 = 1 << 32
}

/// A counter of a class, in the order in which the engine keeps them.
package struct CounterSpec: Sendable {
  package let name: String
  package let help: String

  package init(_ name: String, help: String) {
    self.name = name
    self.help = help
  }
}

/// What a kind of device is, as far as configuration goes. The tree, `classes/`, all checks and
/// the store follow from this one value. An object, so that to pass it on counts one reference.
package final class DeviceClass: Sendable {
  /// By attribute key.
  package typealias Values = [String: String]

  package let name: String
  /// What a guest matches its driver by; several classes may have the same.
  package let interfaceType: String
  /// The device id of VIRTIO 1.2 section 5.
  package let virtioID: UInt32
  package let description: String
  package let attributes: [AttributeSpec]
  /// Whether its devices have a `limits` directory.
  package let hasLimits: Bool
  package let features: [FeatureSpec]
  package let counters: [CounterSpec]
  /// How many queues a device with these values has.
  package let queueCount: @Sendable (Values) -> Int
  /// How many with those that only clients of the class's own interface see, behind the others.
  package let nativeQueueCount: @Sendable (Values) -> Int
  /// The feature bits a device with these values can offer, before the mask.
  package let offerable: @Sendable (Values) -> UInt64
  /// Checks what only all values together show.
  package let validate: @Sendable (Values) throws(Refusal) -> Void
  /// Attributes in which the live devices of one container differ, such as addresses.
  package let uniqueAttributes: [String]
  /// QEMU's arguments for a device on the character device with this id.
  package let qemuArguments: @Sendable (_ chardev: String, Values) -> String
  /// Which QEMU has them, ` from version 9 on`; empty when all do.
  package let qemuRemark: String
  /// The arguments of DPDK's testpmd for a device on the socket at this path; `nil` when it has no
  /// driver for the class.
  package let testpmdArguments: (@Sendable (_ path: String, Values) -> String)?

  package init(
    name: String, interfaceType: String, virtioID: UInt32, description: String,
    attributes: [AttributeSpec], features: [FeatureSpec], counters: [CounterSpec],
    queueCount: @escaping @Sendable (Values) -> Int,
    nativeQueueCount: (@Sendable (Values) -> Int)? = nil,
    offerable: @escaping @Sendable (Values) -> UInt64,
    validate: @escaping @Sendable (Values) throws(Refusal) -> Void,
    uniqueAttributes: [String] = [],
    qemuArguments: @escaping @Sendable (_ chardev: String, Values) -> String,
    qemuRemark: String = "",
    testpmdArguments: (@Sendable (_ path: String, Values) -> String)? = nil
  ) {
    self.name = name
    self.interfaceType = interfaceType
    self.virtioID = virtioID
    self.description = description
    self.attributes = attributes + Self.commonAttributes
    hasLimits = attributes.contains { $0.place == .limits }
    self.features = features
    self.counters = counters
    self.queueCount = queueCount
    self.nativeQueueCount = nativeQueueCount ?? queueCount
    self.offerable = offerable
    self.validate = validate
    self.uniqueAttributes = uniqueAttributes
    self.qemuArguments = qemuArguments
    self.qemuRemark = qemuRemark
    self.testpmdArguments = testpmdArguments
  }

  /// The attributes whose files are in one place, with their places in the table, which are part
  /// of their node numbers.
  package func attributes(in place: AttributePlace) -> [(index: Int, spec: AttributeSpec)] {
    attributes.enumerated().filter { $0.element.place == place }
      .map { (index: $0.offset, spec: $0.element) }
  }

  /// All values of a device, by key: what was written, and the defaults of the rest.
  package func values(of device: Device) -> Values {
    var values = Values(minimumCapacity: attributes.count)
    for attribute in attributes {
      values[attribute.key] = device.values[attribute.key]?.text ?? attribute.defaultText
    }
    return values
  }

  /// As `values(of:)`, with what opening the host side found in place of what was written: what
  /// an engine is given.
  package func resolvedValues(of device: Device) -> Values {
    values(of: device).merging(device.facts) { $1 }
  }

  /// The bits offered to a guest: what the class can, without what the mask takes away, and
  /// without what needs a bit that is gone.
  package func offered(_ values: Values, mask: UInt64) -> UInt64 {
    var offered = offerable(values) & mask
    for feature in features {
      let isLacking = feature.needs & ~offered != 0
      let isWithoutAny = feature.needsAny != 0 && feature.needsAny & offered == 0
      if isLacking || isWithoutAny { offered &= ~feature.mask }
    }
    return offered
  }
}
