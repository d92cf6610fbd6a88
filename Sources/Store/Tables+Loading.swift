internal import Model

extension Tables {
  /// How the rows of one table become changes.
  struct Loading: Sendable {
    let query: String
    let change: @Sendable (Row) throws(StoreError) -> Change
  }

  /// In an order in which each change finds what it refers to.
  static let loading: [Loading] = [
    Loading(query: "SELECT id FROM next_id") { row throws(StoreError) in
      .putNextID(ObjectID(rawValue: row.bits(0)))
    },
    Loading(query: "SELECT * FROM container ORDER BY id") { row throws(StoreError) in
      .putContainer(
        Container(
          id: ObjectID(rawValue: row.bits(0)), name: try name(row, 1), owner: owner(row, 2),
          nextDevID: row.bits(5), changed: row.bits(6)))
    },
    Loading(query: "SELECT * FROM device ORDER BY id") { row throws(StoreError) in
      .putDevice(
        Device(
          id: ObjectID(rawValue: row.bits(0)), name: try name(row, 1),
          className: row.isNull(2) ? nil : row.text(2), isEnabled: row.integer(3) != 0,
          mask: row.bits(4), owner: owner(row, 5), changed: row.bits(8)))
    },
    Loading(query: "SELECT * FROM value ORDER BY device, attribute") { row throws(StoreError) in
      .putValue(
        device: ObjectID(rawValue: row.bits(0)), attribute: row.text(1),
        value: StoredValue(
          text: row.text(2),
          writer: Credentials(uid: row.word(3), gid: row.word(4), groupsText: row.text(5)),
          changed: row.bits(6)))
    },
    Loading(query: "SELECT * FROM fact ORDER BY device, name") { row throws(StoreError) in
      .putFact(device: ObjectID(rawValue: row.bits(0)), fact: row.text(1), text: row.text(2))
    },
    Loading(query: "SELECT * FROM plug ORDER BY id") { row throws(StoreError) in
      .putPlug(
        Plug(
          id: ObjectID(rawValue: row.bits(0)), container: ObjectID(rawValue: row.bits(1)),
          device: ObjectID(rawValue: row.bits(2)),
          devID: row.isNull(3) ? nil : DevID(rawValue: row.word(3)), linkName: try name(row, 4),
          changed: row.bits(5)))
    },
    Loading(query: "SELECT * FROM node_owner") { row throws(StoreError) in
      .putNodeOwner(
        node: row.bits(0),
        owner: NodeOwner(
          permissions: optional(row, 1), uid: optional(row, 2), gid: optional(row, 3)))
    },
    Loading(query: "SELECT * FROM refusal") { row throws(StoreError) in
      .putRefusal(
        object: ObjectID(rawValue: row.bits(0)),
        record: RefusalRecord(
          time: row.bits(1), path: row.text(2), value: row.text(3),
          errno: Int32(truncatingIfNeeded: row.integer(4)), reason: row.text(5),
          accepted: row.text(6)))
    },
    Loading(query: "SELECT * FROM allowance") { row throws(StoreError) in
      .putAllowance(container: ObjectID(rawValue: row.bits(0)), allowance: try allowance(row, 1))
    },
    Loading(query: "SELECT * FROM session_mark") { row throws(StoreError) in
      .putSessionMark(
        object: ObjectID(rawValue: row.bits(0)),
        mark: SessionMark(session: SessionID(rawValue: row.bits(1)), request: row.bits(2)))
    },
    Loading(query: "SELECT * FROM session_reply") { row throws(StoreError) in
      .putSessionReply(
        session: SessionID(rawValue: row.bits(0)),
        reply: SessionReply(request: row.bits(1), text: row.text(2)))
    },
    Loading(query: "SELECT * FROM setting ORDER BY name") { row throws(StoreError) in
      .putSetting(name: row.text(0), setting: Setting(text: row.text(1), changed: row.bits(2)))
    },
  ]

  private static func name(_ row: Row, _ index: Int32) throws(StoreError) -> Name {
    do throws(Refusal) { return try Name(row.blob(index)) } catch {
      throw .unreadable("the store holds a name that is none")
    }
  }

  /// Who may attach is not guessed.
  private static func allowance(_ row: Row, _ index: Int32) throws(StoreError) -> Allowance {
    guard let allowance = Allowance(row.text(index)) else {
      throw .unreadable("the store holds an allowance that is none")
    }
    return allowance
  }

  private static func owner(_ row: Row, _ index: Int32) -> Owner {
    Owner(uid: row.word(index), gid: row.word(index + 1), permissions: row.word(index + 2))
  }

  private static func optional(_ row: Row, _ index: Int32) -> UInt32? {
    row.isNull(index) ? nil : row.word(index)
  }
}
