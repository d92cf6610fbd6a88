internal import Devices
internal import LinuxSystem
internal import Model

/// The helper processes: each opens one thing at a time, under a deadline.
final class Helpers {
  typealias Answer = (Result<HostOpening, HostRefusal>) -> Void

  private final class Helper {
    let pid: Int32
    var link: Link?
    var answer: Answer?
    var deadline: EventLoop.Token?
    init(pid: Int32) { self.pid = pid }
  }

  private let loop: EventLoop
  private let program: String
  private var helpers: [Int32: Helper] = [:]

  /// How long whatever a user names may take to open.
  static let deadlineMilliseconds: UInt64 = 3000
  /// One is kept ready, so that opening costs no start of a process.
  private static let idleMax = 1
  /// Openings at once, those included whose process hangs for good.
  private static let countMax = 32

  init(on loop: EventLoop, program: String) {
    self.loop = loop
    self.program = program
    _ = loop.after(milliseconds: 0) { [weak self] in _ = try? self?.start() }
  }

  /// Asks a helper. `answer` is called later, within the deadline.
  func open(_ request: HostRequest, answer: @escaping Answer) {
    do throws(Errno) {
      assign(request, to: try idleOrNew(), answer)
    } catch {
      let refusal = HostRefusal(
        errno: error.rawValue, reason: "no helper process could be started: \(error.text)",
        accepted: "fewer openings at once")
      _ = loop.after(milliseconds: 0) { answer(.failure(refusal)) }
    }
  }

  private func assign(_ request: HostRequest, to helper: Helper, _ answer: @escaping Answer) {
    helper.answer = answer
    helper.deadline = loop.after(milliseconds: Self.deadlineMilliseconds) {
      [weak self, weak helper] in
      if let helper { self?.giveUp(helper) }
    }
    helper.link?.send(Packet(request.bytes))
  }

  /// A child of this process ended; it may have been one of these.
  func ended(_ pid: Int32) {
    guard let helper = helpers.removeValue(forKey: pid) else { return }
    helper.link?.close()
    finish(
      helper,
      .failure(
        HostRefusal(
          errno: Errno.inputOutput.rawValue, reason: "the helper process ended unexpectedly")))
  }

  private func idleOrNew() throws(Errno) -> Helper {
    if let idle = helpers.values.first(where: { $0.answer == nil && $0.link != nil }) {
      return idle
    }
    return try start()
  }

  private func start() throws(Errno) -> Helper {
    guard helpers.count < Self.countMax else { throw .again }
    let (near, far) = try Channel.pair()
    let pid = try spawn(
      program, ["helper"], environment: environmentTexts(), descriptors: [far.descriptor])
    let helper = Helper(pid: pid)
    helpers[pid] = helper
    helper.link = try Link(
      near, on: loop,
      onPacket: { [weak self, weak helper] packet in
        if let helper { self?.hear(packet, from: helper) }
      }, onEnd: {})
    return helper
  }

  private func hear(_ packet: Packet, from helper: Helper) {
    switch try? HostReply(packet.bytes) {
    case .opened(let facts):
      let opening = HostOpening(descriptors: packet.descriptors, facts: facts)
      finish(helper, .success(opening))
    case .refused(let refusal): finish(helper, .failure(refusal))
    case nil: giveUp(helper)
    }
    let spare = helpers.values.filter { $0.answer == nil && $0.link != nil }.count
    if spare > Self.idleMax { dismiss(helper) }
  }

  private func giveUp(_ helper: Helper) {
    dismiss(helper)
    let seconds = Self.deadlineMilliseconds / 1000
    finish(
      helper,
      .failure(
        HostRefusal(
          errno: Errno.timedOut.rawValue,
          reason: "opening the host side took longer than \(seconds) seconds",
          accepted: "files on a file system that answers")))
  }

  /// Ends a helper. One that hangs in the kernel stays counted until it really ends.
  private func dismiss(_ helper: Helper) {
    helper.link?.close()
    helper.link = nil
    try? send(signal: Signal.kill, to: helper.pid)
  }

  private func finish(_ helper: Helper, _ result: Result<HostOpening, HostRefusal>) {
    if let deadline = helper.deadline { loop.remove(deadline) }
    helper.deadline = nil
    guard let answer = helper.answer else { return }
    helper.answer = nil
    answer(result)
  }
}
