/// A link in a container's `devices`: the device is on that bus.
package struct Plug: Hashable, Sendable {
  package let id: ObjectID
  package let container: ObjectID
  package let device: ObjectID
  /// `nil` for a *spare* link: a second one to a device that is plugged in here already, as
  /// `ln -sfn` makes it for a moment before it renames it over the first.
  package let devID: DevID?
  package var linkName: Name
  /// When the link was made, nanoseconds since 1970.
  package var changed: UInt64

  package init(
    id: ObjectID, container: ObjectID, device: ObjectID, devID: DevID?, linkName: Name,
    changed: UInt64
  ) {
    self.id = id
    self.container = container
    self.device = device
    self.devID = devID
    self.linkName = linkName
    self.changed = changed
  }
}
