internal import LinuxSystem
internal import Model

/// What a client of the second control plane asks, one packet each: words with spaces between them.
/// An attribute may have a line of its own instead, which is taken whole.
enum SessionRequest: Equatable {
  case hello
  case device(className: String, attributes: [Attribute])
  case remove(name: String)

  /// A file of the device's directory, and what is written to it.
  struct Attribute: Equatable {
    let path: String
    let value: String
  }

  /// What is spoken here; it grows when a client could notice.
  static let version = 1
  static let byteCountMax = 4096

  static let tooLong = SessionRefusal(
    .messageTooLong, "a request has more than \(byteCountMax) bytes")

  private static let accepted = "hello \(version), device CLASS [ATTRIBUTE=VALUE]…, remove DEVICE"

  init(_ bytes: [UInt8]) throws(SessionRefusal) {
    guard bytes.count <= Self.byteCountMax else { throw Self.tooLong }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw SessionRefusal(.invalid, "the request is no text", accepted: "UTF-8")
    }
    let lines = text.utf8.split(separator: UInt8(ascii: "\n")).map { Substring($0) }
    let words = (lines.first ?? "").utf8.split(separator: UInt8(ascii: " ")).map { Substring($0) }
    self = try Self.request(words, lines.dropFirst())
  }

  private static func request(
    _ words: [Substring], _ lines: ArraySlice<Substring>
  ) throws(SessionRefusal) -> SessionRequest {
    switch (words.first, words.count) {
    case ("hello", 2) where lines.isEmpty:
      guard words[1] == "\(version)" else {
        throw SessionRefusal(
          .invalid, "this is not the version that is spoken here", accepted: "hello \(version)")
      }
      return .hello
    case ("device", 2...):
      var attributes: [Attribute] = []
      for text in words.dropFirst(2) + lines { attributes.append(try attribute(text)) }
      return .device(className: String(words[1]), attributes: attributes)
    case ("remove", 2) where lines.isEmpty: return .remove(name: String(words[1]))
    default:
      throw SessionRefusal(.invalid, "the request is not understood", accepted: accepted)
    }
  }

  private static func attribute(_ text: Substring) throws(SessionRefusal) -> Attribute {
    let bytes = text.utf8
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > bytes.startIndex else {
      throw SessionRefusal(
        .invalid, "\(text) is no attribute and its value", accepted: "ATTRIBUTE=VALUE")
    }
    let name = String(text[..<equals])
    guard name != "enabled" else {
      throw SessionRefusal(
        .invalid, "the session enables its devices itself", accepted: "ATTRIBUTE=VALUE")
    }
    return Attribute(
      path: name, value: String(text[bytes.index(after: equals)...]))
  }
}

/// Why a session does not get what it asks for.
struct SessionRefusal: Error, Equatable {
  let errno: Errno
  let reason: String
  let accepted: String

  init(_ errno: Errno, _ reason: String, accepted: String = "") {
    self.errno = errno
    self.reason = reason
    self.accepted = accepted
  }

  /// As `last_error` has it.
  init(_ refusal: Refusal, _ errno: Errno) {
    self.init(errno, refusal.reason, accepted: refusal.accepted)
  }

  /// The packet that says so.
  var text: String {
    "error \(errno.name) \(reason)\n" + (accepted.isEmpty ? "" : "accepted \(accepted)\n")
  }
}
