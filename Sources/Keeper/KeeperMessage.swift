internal import LinuxSystem

/// What a process asks of the keeper. Names are texts with `/` between their parts; the keeper puts
/// the asking process's scope before each.
enum KeeperRequest {
  /// Keeps the descriptors that come along, a name for each, in place of those of that name.
  case put(names: [String])
  /// Asks for every descriptor called `name` or below it.
  case take(name: String)
  /// Lets go of `name` and of all below it.
  case drop(name: String)
  /// Accepts a connection from the listener that comes along, keeps it as `name`, and hands it out:
  /// the answer is this one item, or `KeeperReply.end` where there is none.
  case accept(name: String)
  /// Sends bytes through the stream `name`, once for each `number` however often it is asked.
  case say(name: String, number: UInt64, bytes: [UInt8])
  /// Starts a program and starts it again whenever it ends by itself.
  case spawn(name: String, path: String, arguments: [String], scope: String)
  /// Ends a program for good: SIGTERM, and after a grace SIGKILL.
  case end(name: String)
  /// Asks for the state of all programs.
  case children
  /// Tells whoever started the keeper that service has begun, or with a sentence why it cannot.
  case ready(sentence: String)
}

/// What the keeper says.
enum KeeperReply {
  /// A kept descriptor (it comes along), and the number of what was said last through it.
  case item(name: String, lastSaid: UInt64)
  /// The end of an answer.
  case end
  /// A program's present state, as part of an answer.
  case child(State)
  /// A program's state has changed. Said unasked.
  case news(State)

  /// `pid` 0: not running.
  struct State: Equatable {
    var name: String
    var pid: Int32
    var restarts: UInt64
    var ending: String
  }
}

extension KeeperRequest {
  private enum Kind: UInt8 {
    case put = 1
    case take, drop, accept, say, spawn, end, children, ready
  }

  /// Whether the asking process reads an answer.
  var wantsAnswer: Bool {
    switch self {
    case .take, .accept, .children: true
    default: false
    }
  }

  var bytes: [UInt8] {
    var wire = WireWriter()
    switch self {
    case .put(let names):
      wire.put(Kind.put.rawValue)
      wire.put(names) { $0.put($1) }
    case .take(let name): wire.open(Kind.take.rawValue, name)
    case .drop(let name): wire.open(Kind.drop.rawValue, name)
    case .accept(let name): wire.open(Kind.accept.rawValue, name)
    case .say(let name, let number, let bytes):
      wire.open(Kind.say.rawValue, name)
      wire.put(number)
      wire.put(bytes)
    case .spawn(let name, let path, let arguments, let scope):
      wire.open(Kind.spawn.rawValue, name)
      wire.put(path)
      wire.put(arguments) { $0.put($1) }
      wire.put(scope)
    case .end(let name): wire.open(Kind.end.rawValue, name)
    case .children: wire.put(Kind.children.rawValue)
    case .ready(let sentence): wire.open(Kind.ready.rawValue, sentence)
    }
    return wire.bytes
  }

  init(_ bytes: [UInt8]) throws(WireError) {
    var wire = WireReader(bytes)
    switch Kind(rawValue: try wire.byte()) {
    case .put:
      self = .put(names: try wire.list { reader throws(WireError) in try reader.text() })
    case .take: self = .take(name: try wire.text())
    case .drop: self = .drop(name: try wire.text())
    case .accept: self = .accept(name: try wire.text())
    case .say:
      self = .say(name: try wire.text(), number: try wire.uint64(), bytes: try wire.data())
    case .spawn:
      self = .spawn(
        name: try wire.text(), path: try wire.text(),
        arguments: try wire.list { reader throws(WireError) in try reader.text() },
        scope: try wire.text())
    case .end: self = .end(name: try wire.text())
    case .children: self = .children
    case .ready: self = .ready(sentence: try wire.text())
    case nil: throw WireError()
    }
  }
}

extension KeeperReply {
  private enum Kind: UInt8 {
    case item = 1
    case end, child, news
  }

  var bytes: [UInt8] {
    var wire = WireWriter()
    switch self {
    case .item(let name, let lastSaid):
      wire.open(Kind.item.rawValue, name)
      wire.put(lastSaid)
    case .end: wire.put(Kind.end.rawValue)
    case .child(let state): wire.put(Kind.child.rawValue, state)
    case .news(let state): wire.put(Kind.news.rawValue, state)
    }
    return wire.bytes
  }

  init(_ bytes: [UInt8]) throws(WireError) {
    var wire = WireReader(bytes)
    switch Kind(rawValue: try wire.byte()) {
    case .item: self = .item(name: try wire.text(), lastSaid: try wire.uint64())
    case .end: self = .end
    case .child: self = .child(try State(&wire))
    case .news: self = .news(try State(&wire))
    case nil: throw WireError()
    }
  }
}

extension KeeperReply.State {
  fileprivate init(_ wire: inout WireReader) throws(WireError) {
    self.init(
      name: try wire.text(), pid: try wire.int32(), restarts: try wire.uint64(),
      ending: try wire.text())
  }
}

extension WireWriter {
  fileprivate mutating func put(_ kind: UInt8, _ state: KeeperReply.State) {
    open(kind, state.name)
    put(state.pid)
    put(state.restarts)
    put(state.ending)
  }

  fileprivate mutating func open(_ kind: UInt8, _ name: String) {
    put(kind)
    put(name)
  }
}
