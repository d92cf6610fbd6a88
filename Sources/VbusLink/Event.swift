internal import LinuxSystem

/// What the bus tells a client without being asked.
public enum Event: Hashable, Sendable {
  case deviceAdded(id: UInt32, type: String)
  case deviceDropped(id: UInt32)
  /// A signal was raised by the device.
  case signal(cookie: UInt64)
  /// The last event of a signal.
  case shareClosed(cookie: UInt64)

  /// A record: number, padding, then a device id or cookie and a text of 128 bytes.
  package static let recordByteCount = 144
  package static let typeByteCountMax = 127

  /// The first word of a message that is an event; the record follows.
  package static let bit: UInt32 = 1 << 30

  package var record: [UInt8] {
    let (number, value, text): (UInt32, UInt64, String) =
      switch self {
      case .deviceAdded(let id, let type): (0, UInt64(id), type)
      case .deviceDropped(let id): (1, UInt64(id), "")
      case .signal(let cookie): (2, cookie, "")
      case .shareClosed(let cookie): (3, cookie, "")
      }
    var writer = WireWriter()
    writer.put(number)
    writer.put(UInt32(0))
    writer.put(value)
    let bytes = writer.bytes + text.utf8.prefix(Self.typeByteCountMax)
    return bytes + [UInt8](repeating: 0, count: Self.recordByteCount - bytes.count)
  }

  /// The event as a message of its own.
  package var bytes: [UInt8] {
    var writer = WireWriter()
    writer.put(Self.bit)
    writer.put(UInt32(0))
    return writer.bytes + record
  }

  /// Takes a record apart; nil for what is none.
  package init?(record: [UInt8]) {
    guard record.count == Self.recordByteCount else { return nil }
    var reader = WireReader(record)
    do throws(WireError) {
      let number = try reader.uint32()
      _ = try reader.uint32()
      let value = try reader.uint64()
      switch number {
      case 0:
        guard let id = UInt32(exactly: value), let end = record[16...].firstIndex(of: 0) else {
          return nil
        }
        self = .deviceAdded(id: id, type: String(decoding: record[16..<end], as: UTF8.self))
      case 1:
        guard let id = UInt32(exactly: value) else { return nil }
        self = .deviceDropped(id: id)
      case 2: self = .signal(cookie: value)
      case 3: self = .shareClosed(cookie: value)
      default: return nil
      }
    } catch { return nil }
  }

  /// Takes a message apart; nil for what is no event.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 8 + Self.recordByteCount else { return nil }
    var reader = WireReader(bytes)
    guard (try? reader.uint32()) == Self.bit else { return nil }
    self.init(record: Array(bytes[8...]))
  }
}
