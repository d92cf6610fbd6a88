/// One row put or removed: the unit of what is stored, and all that ever changes a `Model`.
///
/// A put replaces the row with the same key. Rows are flat; of a `Device` only the scalar members
/// are meant in `putDevice`: its values and facts are rows of their own, which a replay puts after
/// the device. So is a container's allowance.
package enum Change: Hashable, Sendable {
  /// Key: the device's id.
  case putDevice(Device)
  case removeDevice(ObjectID)
  /// Key: the container's id.
  case putContainer(Container)
  case removeContainer(ObjectID)
  /// Key: the plug's id.
  case putPlug(Plug)
  case removePlug(ObjectID)
  /// Key: device and attribute key.
  case putValue(device: ObjectID, attribute: String, value: StoredValue)
  case removeValue(device: ObjectID, attribute: String)
  /// Key: device and fact name.
  case putFact(device: ObjectID, fact: String, text: String)
  case removeFact(device: ObjectID, fact: String)
  /// Key: the node's number.
  case putNodeOwner(node: UInt64, owner: NodeOwner)
  case removeNodeOwner(node: UInt64)
  /// Key: the object; `ObjectID.tree` for the newest refusal anywhere.
  case putRefusal(object: ObjectID, record: RefusalRecord)
  case removeRefusal(object: ObjectID)
  /// Key: the container's id.
  case putAllowance(container: ObjectID, allowance: Allowance)
  case removeAllowance(container: ObjectID)
  /// Key: the object.
  case putSessionMark(object: ObjectID, mark: SessionMark)
  case removeSessionMark(object: ObjectID)
  /// Key: the session.
  case putSessionReply(session: SessionID, reply: SessionReply)
  case removeSessionReply(session: SessionID)
  /// Key: the setting's name.
  case putSetting(name: String, setting: Setting)
  /// The id the next object gets. One row without a key.
  case putNextID(ObjectID)
}
