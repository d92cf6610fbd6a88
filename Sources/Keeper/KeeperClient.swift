package import LinuxSystem

/// A program's way to its keeper. Its calls wait for the keeper, which waits for nobody.
package final class KeeperClient {
  /// A descriptor taken back, with the number of what was said last through it.
  package struct Item: Sendable {
    package let name: String
    package let descriptor: Descriptor
    package let lastSaid: UInt64
  }

  /// A program's state. `pid` is nil while it does not run.
  package struct Program: Sendable, Equatable {
    package let name: String
    package let pid: Int32?
    package let restarts: UInt64
    /// How it ended last; empty when it never has.
    package let ending: String
  }

  /// The exit status of a control program that says: starting it again will not help.
  package static let hopelessStatus = KeptProgram.hopelessStatus

  package let channel: Channel
  private var news: [Program] = []

  /// The keeper may be busy with other programs, but never for this long.
  private static let patienceMilliseconds: Int32 = 10_000

  /// The channel that the keeper gave this program as descriptor 3.
  package convenience init() { self.init(Channel(Descriptor(owning: 3))) }

  package init(_ channel: Channel) { self.channel = channel }

  /// Keeps a descriptor under a name, in place of the one before. What was sent counts, even when
  /// this process dies at once.
  package func put(_ descriptor: Descriptor, as name: String) throws(Errno) {
    try ask(.put(names: [name]), [descriptor])
  }

  /// Keeps several descriptors, all or none. As many as a packet takes, at most.
  package func put(_ descriptors: [Descriptor], as names: [String]) throws(Errno) {
    guard !names.isEmpty else { return }
    try ask(.put(names: names), descriptors)
  }

  /// All descriptors called `name` or below it; with an empty name all.
  package func take(_ name: String) throws(Errno) -> [Item] {
    try ask(.take(name: name))
    return try items()
  }

  package func drop(_ name: String) throws(Errno) { try ask(.drop(name: name)) }

  /// Lets the keeper accept a waiting connection and keep it as `name`; `nil` when none waits.
  /// In this way no connection is ever held by a process that can die.
  package func accept(from listener: Descriptor, as name: String) throws(Errno) -> Descriptor? {
    try ask(.accept(name: name), [listener])
    while true {
      switch try next() {
      case .item(let item): return item.descriptor
      case .news(let program): news.append(program)
      case .child: continue
      case .end: return nil
      }
    }
  }

  /// Sends bytes through the stream kept as `name`, once for each number: a number not above the
  /// last one is not sent again.
  package func say(_ bytes: [UInt8], number: UInt64, through name: String) throws(Errno) {
    try ask(.say(name: name, number: number, bytes: bytes))
  }

  package func spawn(
    _ name: String, _ path: String, _ arguments: [String], scope: String
  ) throws(Errno) {
    try ask(.spawn(name: name, path: path, arguments: arguments, scope: scope))
  }

  package func end(_ name: String) throws(Errno) { try ask(.end(name: name)) }

  /// The state of all programs that the keeper runs. News from before are older, and forgotten.
  package func programs() throws(Errno) -> [Program] {
    try ask(.children)
    var programs: [Program] = []
    while true {
      switch try next() {
      case .child(let program): programs.append(program)
      case .item, .news: continue
      case .end:
        news = []
        return programs
      }
    }
  }

  /// Says that service has begun; with a sentence, why it cannot.
  package func ready(_ sentence: String = "") throws(Errno) { try ask(.ready(sentence: sentence)) }

  /// Programs whose state has changed, without waiting. Throws `.connectionReset` when the keeper
  /// is gone.
  package func changes() throws(Errno) -> [Program] {
    while wait(on: channel.descriptor, milliseconds: 0) {
      guard case .news(let program) = try next() else { continue }
      news.append(program)
    }
    defer { news = [] }
    return news
  }

  private enum Said {
    case item(Item), child(Program), news(Program), end
  }

  private func ask(_ request: KeeperRequest, _ descriptors: [Descriptor] = []) throws(Errno) {
    let packet = Packet(request.bytes, descriptors)
    while true {
      do { return try channel.send(packet) } catch {
        guard error == .again else { throw error }
        guard
          wait(
            for: .writable, on: channel.descriptor, milliseconds: Self.patienceMilliseconds)
        else { throw .timedOut }
      }
    }
  }

  /// The items of an answer. News of programs that come in between are kept for `changes()`.
  private func items() throws(Errno) -> [Item] {
    var items: [Item] = []
    while true {
      switch try next() {
      case .item(let item): items.append(item)
      case .news(let program): news.append(program)
      case .child: continue
      case .end: return items
      }
    }
  }

  private func next() throws(Errno) -> Said {
    guard wait(on: channel.descriptor, milliseconds: Self.patienceMilliseconds) else {
      throw .timedOut
    }
    guard let packet = try channel.receive() else { throw .connectionReset }
    guard let reply = try? KeeperReply(packet.bytes) else { throw .invalid }
    switch reply {
    case .item(let name, let lastSaid):
      guard let descriptor = packet.descriptors.first else { throw .invalid }
      return .item(Item(name: name, descriptor: descriptor, lastSaid: lastSaid))
    case .child(let state): return .child(Program(state))
    case .news(let state): return .news(Program(state))
    case .end: return .end
    }
  }
}

extension KeeperClient.Program {
  fileprivate init(_ state: KeeperReply.State) {
    self.init(
      name: state.name, pid: state.pid > 0 ? state.pid : nil, restarts: state.restarts,
      ending: state.ending)
  }
}
