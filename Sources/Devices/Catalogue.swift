package import Engine
package import Model

/// All device classes, in the order of their node numbers: a new one goes to the end.
package let deviceKinds: [DeviceKind] = [
  DeviceKind(
    blkClass, namesHost: { $0["backend"] == "file" }, rightsAttribute: { _ in "path" },
    hostAttributes: { _ in ["backend", "capacity", "read_only"] }, checkRights: checkBlkRights,
    openHost: openBlkHost, adjustHost: adjustBlkHost,
    makeModel: { (setup) throws(ModelRefusal) in try BlkModel(setup) }),
  DeviceKind(
    netClass, namesHost: netNamesHost, rightsAttribute: netRightsAttribute,
    hostAttributes: netHostAttributes, checkRights: checkNetRights, openHost: openNetHost,
    makeModel: { (setup) throws(ModelRefusal) in try NetModel(setup) }),
  DeviceKind(
    rngClass, makeModel: { (setup) throws(ModelRefusal) in try RngModel(setup) }),
  DeviceKind(
    consoleClass, namesHost: { _ in true }, rightsAttribute: consoleRightsAttribute,
    hostAttributes: consoleHostAttributes, checkRights: checkConsoleRights,
    openHost: openConsoleHost,
    makeModel: { (setup) throws(ModelRefusal) in try ConsoleModel(setup) }),
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
