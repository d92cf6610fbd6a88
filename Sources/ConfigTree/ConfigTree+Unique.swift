internal import Model

extension ConfigTree {
  /// Refuses a device some of whose values another live device of the container has, where its
  /// class wants them to differ. It costs a look at each device of the container.
  func checkUnique(_ device: Device, in container: ObjectID) throws(Refusal) {
    guard let table = layout(of: device)?.table, !table.uniqueAttributes.isEmpty else { return }
    let values = table.values(of: device)
    for plug in model.plugs(in: container) where plug.device != device.id {
      guard let other = model.devices[plug.device], other.className == device.className,
        model.isLive(other.id)
      else { continue }
      let others = table.values(of: other)
      for name in table.uniqueAttributes where values[name] == others[name] {
        throw .taken(attribute: name, device: other.name.text)
      }
    }
  }
}
