internal import Devices
internal import LinuxSystem
internal import Model

/// The helper processes: each opens one thing at a time, under a deadline.
final class Helpers {
  typealias Answer = (Result<HostOpening, HostRefusal>) -> Void

  /// An opening that is wanted.
  private final class Job {
    let request: HostRequest
    /// What is open already.
    let descriptors: [Descriptor]
    let answer: Answer
    var deadline: EventLoop.Token?
    weak var helper: Helper?
    /// A helper that had it ended by itself.
    var isRetried = false

    init(_ request: HostRequest, _ descriptors: [Descriptor], _ answer: @escaping Answer) {
      self.request = request
      self.descriptors = descriptors
      self.answer = answer
    }
  }

  private final class Helper {
    let pid: Int32
    var link: Link?
    var job: Job?
    init(pid: Int32) { self.pid = pid }

    var isIdle: Bool { job == nil && link != nil }
  }

  private let loop: EventLoop
  private let program: String
  private var helpers: [Int32: Helper] = [:]
  /// Openings that wait for a helper, the oldest first.
  private var waiting: [Job] = []

  /// How long whatever a user names may take to open.
  static let deadlineMilliseconds: UInt64 = 3000
  /// One is kept ready, so that opening costs no start of a process.
  private static let idleMax = 1
  /// Openings at once, those included whose process hangs for good. More wait, under the deadline.
  private static let countMax = 32

  init(on loop: EventLoop, program: String) {
    self.loop = loop
    self.program = program
    _ = loop.after(milliseconds: 0) { [weak self] in _ = try? self?.start() }
  }

  /// Asks a helper to open a host side, or to make what is open follow new values. `answer` is
  /// called later, within the deadline.
  func open(_ request: HostRequest, _ descriptors: [Descriptor], answer: @escaping Answer) {
    let job = Job(request, descriptors, answer)
    job.deadline = loop.after(milliseconds: Self.deadlineMilliseconds) { [weak self] in
      self?.giveUp(job)
    }
    begin(job)
  }

  private func begin(_ job: Job) {
    if let idle = helpers.values.first(where: \.isIdle) { return assign(job, to: idle) }
    guard helpers.count < Self.countMax else { return waiting.append(job) }
    do throws(Errno) { assign(job, to: try start()) } catch {
      let refusal = HostRefusal(
        errno: error.rawValue, reason: "no helper process could be started: \(error.text)",
        accepted: "fewer openings at once")
      _ = loop.after(milliseconds: 0) { [weak self] in self?.finish(job, .failure(refusal)) }
    }
  }

  private func assign(_ job: Job, to helper: Helper) {
    helper.job = job
    job.helper = helper
    helper.link?.send(Packet(job.request.bytes, job.descriptors))
  }

  /// A child of this process ended; it may have been one of these. Its opening is tried once more.
  func ended(_ pid: Int32) {
    guard let helper = helpers.removeValue(forKey: pid) else { return }
    helper.link?.close()
    if let job = helper.job {
      if job.isRetried {
        let reason = "the helper process ended unexpectedly"
        finish(
          job, .failure(HostRefusal(errno: Errno.inputOutput.rawValue, reason: reason)))
      } else {
        job.isRetried = true
        job.helper = nil
        begin(job)
      }
    }
    if !waiting.isEmpty { begin(waiting.removeFirst()) }
  }

  private func start() throws(Errno) -> Helper {
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
    guard let job = helper.job else { return }
    helper.job = nil
    job.helper = nil
    switch try? HostReply(packet.bytes) {
    case .opened(let facts):
      finish(job, .success(HostOpening(descriptors: packet.descriptors, facts: facts)))
    case .refused(let refusal): finish(job, .failure(refusal))
    case nil:
      dismiss(helper)
      finish(
        job,
        .failure(
          HostRefusal(
            errno: Errno.inputOutput.rawValue, reason: "the helper process made no sense")))
    }
    if !waiting.isEmpty, helper.isIdle { assign(waiting.removeFirst(), to: helper) }
    if helpers.values.count(where: \.isIdle) > Self.idleMax { dismiss(helper) }
  }

  private func giveUp(_ job: Job) {
    waiting.removeAll { $0 === job }
    if let helper = job.helper {
      helper.job = nil
      dismiss(helper)
    }
    let seconds = Self.deadlineMilliseconds / 1000
    finish(
      job,
      .failure(
        HostRefusal(
          errno: Errno.timedOut.rawValue,
          reason: "opening the host side took longer than \(seconds) seconds",
          accepted: "a file system, or a program at the other end of a socket, that answers")))
  }

  /// Ends a helper. One that hangs in the kernel stays counted until it really ends.
  private func dismiss(_ helper: Helper) {
    helper.link?.close()
    helper.link = nil
    try? send(signal: Signal.kill, to: helper.pid)
  }

  private func finish(_ job: Job, _ result: Result<HostOpening, HostRefusal>) {
    if let deadline = job.deadline { loop.remove(deadline) }
    job.deadline = nil
    job.answer(result)
  }
}
