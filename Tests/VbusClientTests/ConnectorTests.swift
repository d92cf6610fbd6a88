import LinuxSystem
import Testing
import Vbus
import VbusClient
import VbusLink

/// What a client that was just made finds.
private let replay: [Event] = [
  .deviceAdded(id: 0, type: "virtual-ethernet"), .deviceAdded(id: 1, type: "virtual-disk"),
]

func connector(
  _ host: Host, patience: UInt32 = 5000, queues: [Int] = [], ownBells: Bool = true
) throws -> SocketConnector {
  var options = SocketConnector.Options()
  options.patienceMilliseconds = patience
  options.eventQueues = queues.compactMap { IoqSize($0) }
  options.wantsOwnBells = ownBells
  return try SocketConnector(host.channel, options: options)
}

/// All events that come within a moment.
private func events(_ connector: SocketConnector, count: Int) throws -> [Event] {
  var events: [Event] = []
  while events.count < count, let event = try connector.nextEvent(milliseconds: 2000) {
    events.append(event)
  }
  // Nor are there more of them.
  if let event = try connector.nextEvent(milliseconds: 20) { events.append(event) }
  return events
}

@Suite("A connector over a socket", .timeLimit(.minutes(1)))
struct ConnectorTests {
  @Test("Tells of all devices that are there")
  func replayed() throws {
    let host = try Host()
    #expect(try events(connector(host), count: 2) == replay)
  }

  @Test("Tells of devices that come and go")
  func hotplug() throws {
    let host = try Host()
    let connector = try connector(host)
    _ = try events(connector, count: 2)
    host.tell(.add(7, "virtual-ethernet"))
    let came = try connector.nextEvent(milliseconds: 2000)
    host.tell(.drop(0))
    let went = try connector.nextEvent(milliseconds: 2000)
    #expect(
      [came, went] == [.deviceAdded(id: 7, type: "virtual-ethernet"), .deviceDropped(id: 0)])
  }

  @Test("Calls a function with data, and has the answer")
  func call() throws {
    let host = try Host()
    let connector = try connector(host)
    let handle = try connector.open(0, version: 1)
    var data = [UInt8](repeating: 0, count: 6)
    let answer = try connector.call(handle, function: 2, flags: 0, data: &data)
    #expect(data == HostDevice.mac)
    #expect(answer == 99)
  }

  @Test("Opens a device again that it closed")
  func reopen() throws {
    let host = try Host()
    let connector = try connector(host)
    let first = try connector.open(0, version: 1)
    try connector.close(first)
    #expect(try connector.open(0, version: 1) != first)
  }

  @Test("Gives no address twice, and leaves a gap between two memories")
  func addresses() throws {
    let host = try Host()
    let connector = try connector(host)
    let first = try connector.makeMemory(byteCount: 1 << 21)
    try connector.dropMemory(first)
    let second = try connector.makeMemory(byteCount: 1)
    #expect(second.address > first.address + UInt64(first.byteCount))
  }

  @Test("Has bells of its own only when both ends can")
  func noBells() throws {
    var behaviour = Host.Behaviour()
    behaviour.answers[.hello] = Capabilities.eventQueues.rawValue
    let host = try Host(behaviour)
    #expect(try !connector(host).capabilities.hasOwnBells)
  }

  @Test("Is readable while an event waits that came before a reply")
  func readable() throws {
    let host = try Host()
    let connector = try connector(host)
    _ = try connector.untoldCount()
    let before = wait(on: connector.descriptor, milliseconds: 0)
    _ = try events(connector, count: 2)
    #expect(before)
    #expect(!wait(on: connector.descriptor, milliseconds: 0))
  }
}

@Suite("A connector whose engine was replaced", .timeLimit(.minutes(1)))
struct ReplacedTests {
  @Test("Passes over replies that come twice")
  func replies() throws {
    var behaviour = Host.Behaviour()
    behaviour.repliesTwice = true
    let host = try Host(behaviour)
    let connector = try connector(host)
    let handle = try connector.open(0, version: 1)
    var data = [UInt8](repeating: 0, count: 6)
    _ = try connector.call(handle, function: 2, flags: 0, data: &data)
    #expect(data == HostDevice.mac)
    #expect(try events(connector, count: 2) == replay)
  }

  @Test("Passes over a device that is added, or dropped, twice")
  func news() throws {
    var behaviour = Host.Behaviour()
    behaviour.tellsTwice = true
    let host = try Host(behaviour)
    let connector = try connector(host)
    let first = try events(connector, count: 2)
    host.tell(.drop(1))
    #expect(first == replay)
    #expect(try events(connector, count: 1) == [.deviceDropped(id: 1)])
  }

  @Test("Is told of no device that it does not have, and of no signal that is not its own")
  func rumours() throws {
    var behaviour = Host.Behaviour()
    behaviour.rumours = [.deviceDropped(id: 9), .signal(cookie: 9), .shareClosed(cookie: 9)]
    let host = try Host(behaviour)
    #expect(try events(connector(host), count: 2) == replay)
  }

  @Test("A device that goes and comes while nobody looks is told twice")
  func wentAndCame() throws {
    let host = try Host()
    let connector = try connector(host)
    _ = try events(connector, count: 2)
    for _ in 0..<100 {
      host.tellAndWait(.drop(1))
      _ = try connector.untoldCount()
      host.tellAndWait(.add(1, "virtual-console"))
      _ = try connector.untoldCount()
    }
    #expect(
      try events(connector, count: 2)
        == [.deviceDropped(id: 1), .deviceAdded(id: 1, type: "virtual-console")])
  }
}

@Suite("A connector whose host is no good", .timeLimit(.minutes(1)))
struct BadHostTests {
  @Test("Is refused with the host's errno, and goes on")
  func refused() throws {
    let host = try Host()
    let connector = try connector(host)
    #expect(throws: BusError.refused(.noEntry)) { try connector.open(9, version: 1) }
    #expect(throws: BusError.refused(.invalid)) { try connector.open(0, version: 2) }
    _ = try connector.open(0, version: 1)
    #expect(throws: BusError.refused(.busy)) { try connector.open(0, version: 1) }
  }

  @Test("A function that is refused leaves its data alone")
  func refusedCall() throws {
    let host = try Host()
    let connector = try connector(host)
    let handle = try connector.open(0, version: 1)
    var data: [UInt8] = [1, 2, 3]
    #expect(throws: BusError.refused(.invalid)) {
      try connector.call(handle, function: 2, flags: 0, data: &data)
    }
    #expect(data == [1, 2, 3])
  }

  @Test("More data than a call has is refused without asking")
  func longCall() throws {
    let host = try Host()
    let connector = try connector(host)
    let handle = try connector.open(0, version: 1)
    var data = [UInt8](repeating: 0, count: 65537)
    #expect(throws: BusError.refused(.invalid)) {
      try connector.call(handle, function: 2, flags: 0, data: &data)
    }
  }

  @Test("Memory of no size, or that is shared, is refused")
  func memory() throws {
    let host = try Host()
    let connector = try connector(host)
    #expect(throws: BusError.refused(.invalid)) { try connector.makeMemory(byteCount: 0) }
    let memory = try connector.makeMemory(byteCount: 4096)
    let handle = try connector.open(0, version: 1)
    _ = try connector.share(
      handle, ShareWish(id: 5, memory: memory, offset: 0, byteCount: 64))
    #expect(throws: BusError.refused(.busy)) { try connector.dropMemory(memory) }
  }

  @Test("Bytes that are not in the memory cannot be shared", arguments: [(4096, 1), (-8, 8)])
  func outside(_ offset: Int, _ count: UInt32) throws {
    let host = try Host()
    let connector = try connector(host)
    let memory = try connector.makeMemory(byteCount: 4096)
    let handle = try connector.open(0, version: 1)
    #expect(throws: BusError.refused(.badAddress)) {
      try connector.share(
        handle, ShareWish(id: 5, memory: memory, offset: offset, byteCount: count))
    }
  }

  @Test("A host that does not answer in time has timed out, which ends the connection")
  func slow() throws {
    var behaviour = Host.Behaviour()
    behaviour.silentAt = .openDevice
    let host = try Host(behaviour)
    let connector = try connector(host, patience: 50)
    #expect(throws: BusError.timedOut) { try connector.open(0, version: 1) }
    #expect(throws: BusError.disconnected) { try connector.open(0, version: 1) }
  }

  @Test("A host that dies is noticed in a request")
  func dies() throws {
    var behaviour = Host.Behaviour()
    behaviour.endsAt = .openDevice
    let host = try Host(behaviour)
    let connector = try connector(host)
    #expect(throws: BusError.disconnected) { try connector.open(0, version: 1) }
  }

  @Test("A host that dies is noticed while waiting, after the events that came before")
  func diesWaiting() throws {
    let host = try Host()
    let connector = try connector(host)
    _ = try connector.untoldCount()
    host.tell(.end)
    let first = [
      try connector.nextEvent(milliseconds: -1), try connector.nextEvent(milliseconds: -1),
    ]
    #expect(first == replay)
    #expect(throws: BusError.disconnected) { try connector.nextEvent(milliseconds: -1) }
  }

  @Test("A host that refuses HELLO is of no use")
  func hello() throws {
    var behaviour = Host.Behaviour()
    behaviour.refuses[.hello] = .invalid
    let host = try Host(behaviour)
    #expect(throws: BusError.refused(.invalid)) { try connector(host) }
  }

  @Test(
    "What is neither reply nor event ends the connection",
    arguments: [1, 23, 24, 100, 152, 153, 4096])
  func babble(_ count: Int) throws {
    var behaviour = Host.Behaviour()
    behaviour.babble = [UInt8](repeating: 3, count: count)
    let host = try Host(behaviour)
    #expect(throws: BusError.nonsense(.neitherReplyNorEvent)) { try connector(host) }
  }

  @Test("A reply to another verb ends the connection")
  func otherVerb() throws {
    var behaviour = Host.Behaviour()
    behaviour.babble = Reply(verb: 2, tag: 1).bytes
    let host = try Host(behaviour)
    #expect(throws: BusError.nonsense(.otherVerb(2))) { try connector(host) }
  }

  @Test("A signal's handle that is none ends the connection")
  func impossibleSignal() throws {
    var behaviour = Host.Behaviour()
    behaviour.answers[.shareMemory] = 1 << 32
    let host = try Host(behaviour)
    let connector = try connector(host)
    let memory = try connector.makeMemory(byteCount: 4096)
    let handle = try connector.open(0, version: 1)
    #expect(throws: BusError.nonsense(.impossibleAnswer(1 << 32))) {
      try connector.share(
        handle, ShareWish(id: 5, memory: memory, offset: 0, byteCount: 64, signalOffset: 0))
    }
  }

  @Test("Nobody at a path is unreachable")
  func nobody() {
    #expect(throws: BusError.unreachable(.noEntry)) {
      try SocketConnector(connectingTo: "/nowhere/socket")
    }
  }

  @Test("A listener that never accepts times out")
  func neverAccepts() throws {
    let folder = "/tmp/vbusfs-client-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o700)
    let listener = try listen(
      at: folder + "/bus", backlog: 0, permissions: 0o600, uid: effectiveUser(),
      gid: effectiveGroup(), kind: .packets)
    var options = SocketConnector.Options()
    options.patienceMilliseconds = 50
    // One fills the backlog and waits for an answer; the other waits for its turn.
    let errors = (0..<2).map { _ in
      #expect(throws: BusError.self) {
        try SocketConnector(connectingTo: folder + "/bus", options: options)
      }
    }
    #expect(errors == [.timedOut, .timedOut])
    withExtendedLifetime(listener) {}
    try unlink(folder + "/bus")
    try removeDirectory(folder)
  }
}

@Suite("Event queues", .timeLimit(.minutes(1)))
struct EventQueueTests {
  @Test("Bring what messages bring", arguments: [[2], [1], [64, 2], [1, 1, 1, 1, 1, 1, 1, 1]])
  func replayed(_ sizes: [Int]) throws {
    let host = try Host()
    #expect(try events(connector(host, queues: sizes), count: 2) == replay)
  }

  @Test("Bring more devices than they have entries")
  func many() throws {
    var behaviour = Host.Behaviour()
    behaviour.devices = (0..<500).map { ($0, "d") }
    let host = try Host(behaviour)
    let found = try BusClient(connector(host, queues: [3])).devices()
    #expect(found.map(\.id) == Array(0..<500))
  }

  @Test("Are refused where the host has none")
  func none() throws {
    var behaviour = Host.Behaviour()
    behaviour.answers[.hello] = Capabilities.ownBells.rawValue
    let host = try Host(behaviour)
    #expect(throws: BusError.refused(.notSupported)) { try connector(host, queues: [2]) }
  }

  @Test("More of them than a bus has are refused")
  func tooMany() throws {
    let host = try Host()
    #expect(throws: BusError.refused(.noSpace)) {
      try connector(host, queues: Array(repeating: 1, count: 9))
    }
  }

  @Test("With a record that is no event they end the connection", arguments: [9, 143])
  func malformed(_ first: UInt8) throws {
    var behaviour = Host.Behaviour()
    behaviour.record = [first] + [UInt8](repeating: 0, count: first == 9 ? 143 : 100)
    let host = try Host(behaviour)
    #expect(throws: BusError.nonsense(.malformedRecord)) {
      let connector = try connector(host, queues: [2])
      _ = try connector.nextEvent(milliseconds: 2000)
    }
  }
}
