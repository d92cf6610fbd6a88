package import LinuxSystem

/// The process that outlives the others: a store of descriptors and a supervisor of programs.
///
/// It knows neither FUSE nor devices. What it holds, the kernel and the guests do not notice the
/// loss of when a program dies; a program that ends by itself is started again and takes back what
/// it had put here. It waits for nobody: messages that find no room are queued, and a request that
/// makes no sense is ignored.
package final class Keeper {
  private let loop: EventLoop
  private let signals: Descriptor
  private var kept = KeptDescriptors()
  private var programs: [String: KeptProgram] = [:]
  private var starter: Descriptor?
  private var isEnding = false

  /// How long a program may take to end after SIGTERM before it gets SIGKILL.
  private static let graceMilliseconds: UInt64 = 5000

  /// `starter` is told, by a sentence or an empty line, when service begins; `initial` are
  /// descriptors kept from the start.
  package init(starter: Descriptor, initial: [String: Descriptor]) throws(Errno) {
    loop = try EventLoop()
    signals = try signalDescriptor([Signal.childEnded, Signal.terminate, Signal.interrupt])
    self.starter = starter
    for (name, descriptor) in initial { kept.put(descriptor, as: name) }
    try? raiseDescriptorLimit()
    // Whoever started this process may be gone before it is told that service has begun.
    ignoreLostReaders()
    try Quarantine.begin()
  }

  /// Runs the control program until it ends well, then ends the others.
  package func run(control path: String, _ arguments: [String]) throws(Errno) {
    _ = try loop.watch(signals) { [unowned self] _ in self.takeSignals() }
    let control = KeptProgram(
      name: KeptProgram.control, path: path, arguments: arguments, scope: "")
    programs[control.name] = control
    start(control)
    try loop.run()
  }

  // MARK: Programs

  private func start(_ program: KeptProgram) {
    // It may have been ended while it waited for its next start.
    guard programs[program.name] === program, !program.isEnding else { return }
    do {
      try program.start(on: loop) { [unowned self, unowned program] packet in
        self.serve(packet, for: program)
      }
      announce(program)
    } catch {
      _ = loop.after(milliseconds: 1000) { [weak self] in self?.start(program) }
    }
  }

  private func takeSignals() {
    while let signal = readSignal(signals) {
      if signal == Signal.childEnded {
        while let (pid, ending) = reap() { noteEnd(of: pid, ending) }
      } else {
        end(KeptProgram.control)
      }
    }
  }

  private func noteEnd(of pid: Int32, _ ending: Ending) {
    guard let program = programs.values.first(where: { $0.pid == pid }) else { return }
    // What it put before it died still waits in its link, and counts.
    program.link?.drain()
    let pause = program.ended(ending)
    guard !program.isEnding, !isHopeless(program, ending) else {
      programs[program.name] = nil
      // What it put at its end: nobody else knows of it.
      if !program.scope.isEmpty { kept.drop(program.scope) }
      announce(program)
      endIfDone(after: program)
      return
    }
    program.restarts += 1
    announce(program)
    guard pause > 0 else { return start(program) }
    _ = loop.after(milliseconds: pause) { [weak self] in self?.start(program) }
  }

  private func isHopeless(_ program: KeptProgram, _ ending: Ending) -> Bool {
    guard program.isControl else { return false }
    return ending == .exited(0) || ending == .exited(KeptProgram.hopelessStatus)
  }

  private func endIfDone(after program: KeptProgram) {
    if program.isControl {
      isEnding = true
      for name in programs.keys { end(name) }
    }
    if isEnding, programs.isEmpty { loop.end() }
  }

  private func end(_ name: String) {
    guard let program = programs[name], !program.isEnding else { return }
    // Control decides itself: it unmounts, and ends with status 0.
    if !program.isControl { program.isEnding = true }
    guard program.pid > 0 else {
      programs[name] = nil
      return endIfDone(after: program)
    }
    let pid = program.pid
    try? send(signal: Signal.terminate, to: pid)
    _ = loop.after(milliseconds: Self.graceMilliseconds) { [weak self] in
      guard let self, self.programs[name]?.pid == pid else { return }
      self.programs[name]?.isEnding = true
      try? send(signal: Signal.kill, to: pid)
    }
  }

  /// Tells control of a program's state.
  private func announce(_ program: KeptProgram) {
    guard !program.isControl else { return }
    let news = KeeperReply.news(state(of: program))
    programs[KeptProgram.control]?.link?.send(Packet(news.bytes))
  }

  private func state(of program: KeptProgram) -> KeeperReply.State {
    KeeperReply.State(
      name: program.name, pid: program.pid, restarts: program.restarts, ending: program.ending)
  }

  // MARK: Requests

  private func serve(_ packet: Packet, for program: KeptProgram) {
    guard let request = try? KeeperRequest(packet.bytes) else { return }
    let scope = program.scope
    // Who asks again before he has read his answer gets none: what waits for him stays bounded.
    if request.wantsAnswer, !program.isControl, program.link?.isFull == true { return }
    switch request {
    case .put(let names):
      guard hasRoom(program) else { return }
      for (name, descriptor) in zip(names, packet.descriptors) {
        kept.put(descriptor, as: scope + name)
      }
    case .take(let name):
      for (name, entry) in kept.below(scope + name) { handOut(name, entry, to: program) }
      program.link?.send(Packet(KeeperReply.end.bytes))
    case .drop(let name): kept.drop(scope + name)
    case .accept(let name):
      if hasRoom(program), let listener = packet.descriptors.first,
        let connection = accept(from: listener),
        let entry = kept.put(connection, as: scope + name)
      {
        handOut(scope + name, entry, to: program)
      } else {
        program.link?.send(Packet(KeeperReply.end.bytes))
      }
    case .say(let name, let number, let bytes):
      kept.say(bytes, number: number, through: scope + name)
    case .spawn, .end, .children, .ready: supervise(request, for: program)
    }
  }

  /// No program fills the store for the others.
  private func hasRoom(_ program: KeptProgram) -> Bool {
    program.isControl || kept.count(below: program.scope) < KeptDescriptors.countMaxOfProgram
  }

  /// Never waits, even when another holder of the listener wants it to.
  private func accept(from listener: Descriptor) -> Descriptor? {
    // Each connection may be one more that waits to be closed.
    guard !Quarantine.isFull else { return nil }
    do {
      try listener.setNonblocking(true)
      return try LinuxSystem.accept(from: listener)
    } catch { return nil }
  }

  /// What only control may ask.
  private func supervise(_ request: KeeperRequest, for program: KeptProgram) {
    guard program.isControl else { return }
    switch request {
    case .spawn(let name, let path, let arguments, let scope):
      guard programs[name] == nil else { return }
      let child = KeptProgram(name: name, path: path, arguments: arguments, scope: scope)
      programs[name] = child
      start(child)
    case .end(let name):
      guard name != KeptProgram.control else { return }
      end(name)
    case .children:
      for child in programs.values where !child.isControl {
        program.link?.send(Packet(KeeperReply.child(state(of: child)).bytes))
      }
      program.link?.send(Packet(KeeperReply.end.bytes))
    case .ready(let sentence):
      guard let starter else { return }
      // Whoever started us may be gone; then nobody needs to be told.
      try? sendBytes(Array((sentence + "\n").utf8), through: starter)
      self.starter = nil
    case .put, .take, .drop, .accept, .say: return
    }
  }

  private func handOut(_ name: String, _ entry: KeptDescriptors.Entry, to program: KeptProgram) {
    let reply = KeeperReply.item(
      name: String(decoding: name.utf8.dropFirst(program.scope.utf8.count), as: UTF8.self),
      lastSaid: entry.lastSaid)
    program.link?.send(Packet(reply.bytes, [entry.descriptor]))
  }
}
