package import Model

/// A device class as a whole. Adding one is a folder and a line in `deviceKinds`.
package struct DeviceKind: Sendable {
  /// What configuration knows of it.
  package let table: DeviceClass
  /// The attribute with whose writer's rights the host side is opened.
  package let rightsAttribute: String
  /// Opens the host side. It runs in a process of its own that has the writer's rights and a
  /// deadline, for it opens what users name. The number is the file system of our own mount,
  /// into which no path may lead.
  package let openHost:
    @Sendable (_ values: [String: String], _ forbiddenFileSystem: UInt64) throws(HostRefusal) ->
      HostOpening
}

/// All device classes, in the order of their node numbers: a new one goes to the end.
package let deviceKinds: [DeviceKind] = [
  DeviceKind(table: blkClass, rightsAttribute: "path", openHost: openBlkHost)
]

package let catalogue = Catalogue(deviceKinds.map(\.table))

package func deviceKind(_ className: String) -> DeviceKind? {
  deviceKinds.first { $0.table.name == className }
}
