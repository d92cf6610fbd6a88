/// The number of a device, a container or a plug. It counts from 1 and is never given twice, so
/// that whatever is derived from it (node numbers above all) never means two things.
package struct ObjectID: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Stands for the tree itself: what belongs to no device, container or plug.
  package static let tree = ObjectID(rawValue: 0)

  /// Node numbers have 16 bits for the file within the object, so 48 remain. The upper half is for
  /// what is not stored.
  package static let rawValueMax: UInt64 = 1 << 47 - 1

  package static func < (left: ObjectID, right: ObjectID) -> Bool {
    left.rawValue < right.rawValue
  }

  package var next: ObjectID { ObjectID(rawValue: rawValue + 1) }
}
