/// The number by which the guests of a container know a device: from 0, given when the device is
/// plugged in, never given again in that container.
package struct DevID: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static func < (left: DevID, right: DevID) -> Bool { left.rawValue < right.rawValue }
}
