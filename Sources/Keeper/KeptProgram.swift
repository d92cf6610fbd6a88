internal import LinuxSystem

/// A program that the keeper starts, and starts again when it ends by itself.
final class KeptProgram {
  let name: String
  let path: String
  let arguments: [String]
  /// What is put before each name it uses, so that it reaches nobody else's descriptors.
  let scope: String

  var pid: Int32 = 0
  var link: Link?
  var restarts: UInt64 = 0
  var ending = ""
  /// Asked to end: not started again.
  var isEnding = false
  /// How often in a row it ended soon after its start.
  private(set) var quickEndings = 0
  private var startedAt: UInt64 = 0

  init(name: String, path: String, arguments: [String], scope: String) {
    self.name = name
    self.path = path
    self.arguments = arguments
    self.scope = scope
  }

  /// The program named this is told of all others, and the keeper ends when it ends well.
  static let control = "control"
  /// The exit status that says: starting again will not help.
  static let hopelessStatus: Int32 = 2

  var isControl: Bool { name == Self.control }

  func start(on loop: EventLoop, onPacket: @escaping (Packet) -> Void) throws(Errno) {
    let (near, far) = try Channel.pair()
    let link = try Link(near, on: loop, onPacket: onPacket, onEnd: {})
    do {
      pid = try spawn(
        path, arguments, environment: environmentTexts(), descriptors: [far.descriptor])
    } catch {
      link.close()
      throw error
    }
    startedAt = monotonicNanoseconds()
    self.link = link
  }

  /// Notes an ending and answers how many milliseconds to wait before the next start.
  func ended(_ ending: Ending) -> UInt64 {
    self.ending = ending.text
    pid = 0
    link?.close()
    link = nil
    let lifetime = monotonicNanoseconds() - startedAt
    quickEndings = lifetime < 1_000_000_000 ? quickEndings + 1 : 0
    // Killed now and then: at once. Failing again and again: ever more slowly, up to a second.
    return quickEndings < 8 ? 0 : min(1000, 1 << UInt64(min(quickEndings, 20) - 4))
  }
}
