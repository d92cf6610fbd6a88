/// The classes a tree knows, in the order in which they were added: a class's place is part of
/// its node numbers.
package struct Catalogue: Sendable {
  package let classes: [DeviceClass]
  private let places: [String: Int]

  /// Names in a device's directory that belong to the tree, now or by contract.
  package static let fixedNames: Set<String> = [
    "type", "status", "last_error", "enabled", "features", "queues", "stats", "limits", "socket",
    "connect", "container", "tree.json",
  ]

  /// Node numbers leave this much room.
  package static let classCountMax = 100
  package static let attributeCountMax = 40

  /// Preconditions: class names differ; each class's names differ within their directories and
  /// none in a device's own is a fixed one. The tables are ours, so a mistake in one stops the
  /// first test.
  package init(_ classes: [DeviceClass]) {
    precondition(classes.count <= Self.classCountMax)
    for one in classes {
      let keys = one.attributes.map(\.key)
      let names = one.attributes(in: .device).map(\.spec.name)
      precondition(one.attributes.count <= Self.attributeCountMax)
      precondition(Set(keys).count == keys.count, "two attributes of one name")
      precondition(Self.fixedNames.isDisjoint(with: names), "an attribute has a fixed name")
      precondition(one.attributes.allSatisfy { (try? Name($0.name)) != nil }, "no file name")
      precondition(Set(one.features.map(\.bit)).count == one.features.count, "a bit twice")
      precondition(Set(one.features.map(\.name)).count == one.features.count, "a bit twice")
      precondition(one.features.allSatisfy { (0..<64).contains($0.bit) })
    }
    self.classes = classes
    places = Dictionary(
      uniqueKeysWithValues: classes.enumerated().map { ($0.element.name, $0.offset) })
  }

  package subscript(name: String) -> DeviceClass? { places[name].map { classes[$0] } }

  package func place(of name: String) -> Int? { places[name] }
}
