internal import Model

/// The tables, one for each kind of row that a `Change` puts or removes.
enum Tables {
  /// What each layout of the store added to the one before.
  static let definitions = [layout1, layout2]

  private static let layout1 = [
    """
    CREATE TABLE device(
      id INTEGER PRIMARY KEY, name BLOB NOT NULL, class TEXT, enabled INTEGER NOT NULL,
      mask INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
      permissions INTEGER NOT NULL, changed INTEGER NOT NULL)
    """,
    """
    CREATE TABLE container(
      id INTEGER PRIMARY KEY, name BLOB NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
      permissions INTEGER NOT NULL, next_dev_id INTEGER NOT NULL, changed INTEGER NOT NULL)
    """,
    """
    CREATE TABLE plug(
      id INTEGER PRIMARY KEY, container INTEGER NOT NULL, device INTEGER NOT NULL,
      dev_id INTEGER, link BLOB NOT NULL, changed INTEGER NOT NULL)
    """,
    """
    CREATE TABLE value(
      device INTEGER, attribute TEXT, text TEXT NOT NULL, uid INTEGER NOT NULL,
      gid INTEGER NOT NULL, groups TEXT NOT NULL, changed INTEGER NOT NULL,
      PRIMARY KEY (device, attribute)) WITHOUT ROWID
    """,
    """
    CREATE TABLE fact(
      device INTEGER, name TEXT, text TEXT NOT NULL, PRIMARY KEY (device, name)) WITHOUT ROWID
    """,
    """
    CREATE TABLE node_owner(
      node INTEGER PRIMARY KEY, permissions INTEGER, uid INTEGER, gid INTEGER)
    """,
    """
    CREATE TABLE refusal(
      object INTEGER PRIMARY KEY, time INTEGER NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL,
      errno INTEGER NOT NULL, reason TEXT NOT NULL, accepted TEXT NOT NULL)
    """,
    "CREATE TABLE next_id(one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL)",
    "CREATE TABLE answered(slot INTEGER PRIMARY KEY, request INTEGER NOT NULL, node INTEGER)",
  ]

  private static let layout2 = [
    "CREATE TABLE allowance(container INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    """
    CREATE TABLE session_mark(
      object INTEGER PRIMARY KEY, session INTEGER NOT NULL, request INTEGER NOT NULL)
    """,
    """
    CREATE TABLE session_reply(
      session INTEGER PRIMARY KEY, request INTEGER NOT NULL, text TEXT NOT NULL)
    """,
    """
    CREATE TABLE setting(name TEXT PRIMARY KEY, text TEXT NOT NULL, changed INTEGER NOT NULL)
      WITHOUT ROWID
    """,
  ]

  // MARK: Writing

  static func statement(for change: Change) -> (text: String, parameters: [Column]) {
    switch change {
    case .putDevice(let device): putDevice(device)
    case .putContainer(let container): putContainer(container)
    case .putPlug(let plug): putPlug(plug)
    case .putValue(let device, let attribute, let value):
      putValue(device, attribute, value)
    case .putFact(let device, let fact, let text):
      (
        "INSERT OR REPLACE INTO fact VALUES (?, ?, ?)",
        [.bits(device.rawValue), .text(fact), .text(text)]
      )
    case .putNodeOwner(let node, let owner):
      (
        "INSERT OR REPLACE INTO node_owner VALUES (?, ?, ?, ?)",
        [.bits(node), optional(owner.permissions), optional(owner.uid), optional(owner.gid)]
      )
    case .putRefusal(let object, let record): putRefusal(object, record)
    case .putNextID(let id):
      ("INSERT OR REPLACE INTO next_id VALUES (1, ?)", [.bits(id.rawValue)])
    case .removeDevice(let id): ("DELETE FROM device WHERE id = ?", [.bits(id.rawValue)])
    case .removeContainer(let id): ("DELETE FROM container WHERE id = ?", [.bits(id.rawValue)])
    case .removePlug(let id): ("DELETE FROM plug WHERE id = ?", [.bits(id.rawValue)])
    case .removeValue(let device, let attribute):
      (
        "DELETE FROM value WHERE device = ? AND attribute = ?",
        [.bits(device.rawValue), .text(attribute)]
      )
    case .removeFact(let device, let fact):
      ("DELETE FROM fact WHERE device = ? AND name = ?", [.bits(device.rawValue), .text(fact)])
    case .removeNodeOwner(let node): ("DELETE FROM node_owner WHERE node = ?", [.bits(node)])
    case .removeRefusal(let object):
      ("DELETE FROM refusal WHERE object = ?", [.bits(object.rawValue)])
    case .putAllowance(let container, let allowance):
      (
        "INSERT OR REPLACE INTO allowance VALUES (?, ?)",
        [.bits(container.rawValue), .text(allowance.text)]
      )
    case .removeAllowance(let container):
      ("DELETE FROM allowance WHERE container = ?", [.bits(container.rawValue)])
    case .putSessionMark(let object, let mark): putSessionMark(object, mark)
    case .removeSessionMark(let object):
      ("DELETE FROM session_mark WHERE object = ?", [.bits(object.rawValue)])
    case .putSessionReply(let session, let reply): putSessionReply(session, reply)
    case .removeSessionReply(let session):
      ("DELETE FROM session_reply WHERE session = ?", [.bits(session.rawValue)])
    case .putSetting(let name, let setting):
      (
        "INSERT OR REPLACE INTO setting VALUES (?, ?, ?)",
        [.text(name), .text(setting.text), .bits(setting.changed)]
      )
    }
  }

  private static func putSessionMark(
    _ object: ObjectID, _ mark: SessionMark
  ) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO session_mark VALUES (?, ?, ?)",
      [.bits(object.rawValue), .bits(mark.session.rawValue), .bits(mark.request)]
    )
  }

  private static func putSessionReply(
    _ session: SessionID, _ reply: SessionReply
  ) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO session_reply VALUES (?, ?, ?)",
      [.bits(session.rawValue), .bits(reply.request), .text(reply.text)]
    )
  }

  private static func putDevice(_ device: Device) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        .bits(device.id.rawValue), .blob(device.name.bytes),
        device.className.map(Column.text) ?? .null, .integer(device.isEnabled ? 1 : 0),
        .bits(device.mask), .number(device.owner.uid), .number(device.owner.gid),
        .number(device.owner.permissions), .bits(device.changed),
      ]
    )
  }

  private static func putContainer(_ container: Container) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO container VALUES (?, ?, ?, ?, ?, ?, ?)",
      [
        .bits(container.id.rawValue), .blob(container.name.bytes),
        .number(container.owner.uid), .number(container.owner.gid),
        .number(container.owner.permissions), .bits(container.nextDevID),
        .bits(container.changed),
      ]
    )
  }

  private static func putPlug(_ plug: Plug) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO plug VALUES (?, ?, ?, ?, ?, ?)",
      [
        .bits(plug.id.rawValue), .bits(plug.container.rawValue), .bits(plug.device.rawValue),
        optional(plug.devID?.rawValue), .blob(plug.linkName.bytes), .bits(plug.changed),
      ]
    )
  }

  private static func putValue(
    _ device: ObjectID, _ attribute: String, _ value: StoredValue
  ) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO value VALUES (?, ?, ?, ?, ?, ?, ?)",
      [
        .bits(device.rawValue), .text(attribute), .text(value.text), .number(value.writer.uid),
        .number(value.writer.gid), .text(value.writer.groupsText), .bits(value.changed),
      ]
    )
  }

  private static func putRefusal(
    _ object: ObjectID, _ record: RefusalRecord
  ) -> (String, [Column]) {
    (
      "INSERT OR REPLACE INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?)",
      [
        .bits(object.rawValue), .bits(record.time), .text(record.path), .text(record.value),
        .number(record.errno), .text(record.reason), .text(record.accepted),
      ]
    )
  }

  private static func optional(_ value: UInt32?) -> Column {
    value.map(Column.number) ?? .null
  }
}
