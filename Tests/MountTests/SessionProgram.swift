import LinuxSystem
import TestSupport

/// A program that has a session: this process.
final class SessionProgram {
  private let channel: Channel
  private(set) var container = ""
  private(set) var socket = ""

  init(_ lab: Lab) throws { channel = try connectPackets(toAnyLength: lab.tree + "/session") }

  /// With its container.
  convenience init(begunIn lab: Lab) throws {
    try self.init(lab)
    let words = try ask("hello 1").split(separator: " ").map { String($0).trimmed }
    guard words.count == 4 else { throw Overdue(description: "\(words)") }
    (container, socket) = (words[2], words[3])
  }

  func send(_ request: String, _ descriptors: Descriptor...) throws {
    try channel.send(Packet(Array(request.utf8), descriptors))
  }

  func receive() throws -> String {
    guard wait(on: channel.descriptor, milliseconds: 20_000) else { throw Errno.timedOut }
    return String(decoding: try channel.receive()?.bytes ?? [], as: UTF8.self)
  }

  func ask(_ request: String) throws -> String {
    try send(request)
    return try receive()
  }

  /// What a refusal says, without what would be accepted.
  func refusal(_ request: String) throws -> String {
    try ask(request).split(separator: "\n").first.map(String.init) ?? ""
  }

  /// What `device` made.
  func device(_ request: String) throws -> String {
    let words = try ask(request).split(separator: " ").map(String.init)
    guard words.count == 3, words[0] == "ok" else { throw Overdue(description: "\(words)") }
    return words[1]
  }
}

extension String {
  fileprivate var trimmed: String { String(prefix { $0 != "\n" }) }
}
