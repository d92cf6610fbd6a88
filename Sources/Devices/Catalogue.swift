package import Engine
package import LinuxSystem
package import Model

/// A device class as a whole. Adding one is a folder and a line in `deviceKinds`.
package struct DeviceKind: Sendable {
  /// What configuration knows of it.
  package let table: DeviceClass
  /// The attribute with whose writer's rights the host side is opened.
  package let rightsAttribute: String
  /// The other attributes that decide what is opened and how. Who wrote one of them must have the
  /// right to what they ask for too: owning a device gives nobody its former owner's rights.
  package let hostAttributes: [String]
  /// Whether what runs this may open the host side with these values. Changes nothing.
  package let checkRights:
    @Sendable (_ values: [String: String], _ forbiddenFileSystem: UInt64) throws(HostRefusal) ->
      Void
  /// Opens the host side. It runs in a process of its own that has the writer's rights and a
  /// deadline, for it opens what users name. The number is the file system of our own mount,
  /// into which no path may lead.
  package let openHost:
    @Sendable (_ values: [String: String], _ forbiddenFileSystem: UInt64) throws(HostRefusal) ->
      HostOpening
  /// Makes a host side that is open follow new values of live attributes; answers the facts.
  package let adjustHost:
    @Sendable (_ values: [String: String], _ open: [Descriptor]) throws(HostRefusal) ->
      [String: String]
  /// Makes what serves the queues of one live device.
  package let makeModel: @Sendable (DeviceSetup) throws(ModelRefusal) -> any DeviceModel
}

/// All device classes, in the order of their node numbers: a new one goes to the end.
package let deviceKinds: [DeviceKind] = [
  DeviceKind(
    table: blkClass, rightsAttribute: "path",
    hostAttributes: ["backend", "capacity", "read_only"], checkRights: checkBlkRights,
    openHost: openBlkHost, adjustHost: adjustBlkHost,
    makeModel: { (setup) throws(ModelRefusal) in try BlkModel(setup) })
]

package let catalogue = Catalogue(deviceKinds.map(\.table))

package func deviceKind(_ className: String) -> DeviceKind? {
  deviceKinds.first { $0.table.name == className }
}

/// Makes the model of a class, for an engine.
package func makeModel(
  _ className: String, _ setup: DeviceSetup
) throws(ModelRefusal) -> any DeviceModel {
  guard let kind = deviceKind(className) else {
    throw ModelRefusal(.noEntry, "this engine knows no class \(className)")
  }
  return try kind.makeModel(setup)
}
