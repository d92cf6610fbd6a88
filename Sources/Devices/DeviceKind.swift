package import Engine
package import Model

/// A device class as a whole. Adding one is a folder and a line in `deviceKinds`.
package struct DeviceKind: Sendable {
  package typealias Values = [String: String]

  /// What configuration knows of it.
  package let table: DeviceClass
  /// Whether these values name something of the host, take somebody's rights or may have to wait.
  /// Then a process of its own opens the host side. Else opening it only makes what is ours.
  package let namesHost: @Sendable (Values) -> Bool
  /// The attribute with whose writer's rights the host side is opened.
  package let rightsAttribute: @Sendable (Values) -> String
  /// The other attributes that decide what is opened and how. Who wrote one of them must have the
  /// right to what they ask for too: owning a device gives nobody its former owner's rights.
  package let hostAttributes: @Sendable (Values) -> [String]
  /// Whether what runs this may open the host side. Changes nothing.
  package let checkRights: @Sendable (HostWish) throws(HostRefusal) -> Void
  /// Opens the host side. Where the values name something of the host it runs in a process of its
  /// own that has the writer's rights and a deadline, for it opens what users name.
  package let openHost: @Sendable (HostWish) throws(HostRefusal) -> HostOpening
  /// Makes a host side that is open follow new values of live attributes; answers the facts.
  package let adjustHost: @Sendable (HostWish) throws(HostRefusal) -> [String: String]
  /// Makes what serves the queues of one live device.
  package let makeModel: @Sendable (DeviceSetup) throws(ModelRefusal) -> any DeviceModel

  /// Whatever of the host side a class does not name it does not have.
  init(
    _ table: DeviceClass, namesHost: @escaping @Sendable (Values) -> Bool = { _ in false },
    rightsAttribute: @escaping @Sendable (Values) -> String = { _ in "" },
    hostAttributes: @escaping @Sendable (Values) -> [String] = { _ in [] },
    checkRights: @escaping @Sendable (HostWish) throws(HostRefusal) -> Void = { _ in },
    openHost: @escaping @Sendable (HostWish) throws(HostRefusal) -> HostOpening = { _ in
      HostOpening()
    },
    adjustHost: @escaping @Sendable (HostWish) throws(HostRefusal) -> [String: String] = { _ in
      [:]
    },
    makeModel: @escaping @Sendable (DeviceSetup) throws(ModelRefusal) -> any DeviceModel
  ) {
    self.table = table
    self.namesHost = namesHost
    self.rightsAttribute = rightsAttribute
    self.hostAttributes = hostAttributes
    self.checkRights = checkRights
    self.openHost = openHost
    self.adjustHost = adjustHost
    self.makeModel = makeModel
  }
}
