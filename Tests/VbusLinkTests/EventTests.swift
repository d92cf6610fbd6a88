import LinuxSystem
import Testing
import VbusLink

@Suite("A client is told")
struct EventTests {
  private func added(_ id: UInt32) -> Event { .deviceAdded(id: id, type: "virtual-ethernet") }

  @Test("Who is ready hears of all devices, in the order of their ids")
  func replay() throws {
    let client = Client()
    let before = client.events()
    _ = try client.ask(.ready)
    #expect(before == [])
    #expect(client.events() == [added(0), added(1), added(2)])
  }

  @Test("What comes and goes later is told as well")
  func later() throws {
    let client = Client()
    _ = try client.ask(.ready)
    _ = client.events()
    client.add(3)
    client.drop(1)
    #expect(client.events() == [.deviceDropped(id: 1), added(3)])
  }

  @Test("Who asks hears how much is untold")
  func untoldCount() throws {
    let client = Client()
    _ = try client.ask(.ready)
    let before = try client.ask(.untold)
    _ = client.events()
    let after = try client.ask(.untold)
    #expect(before == Reply(verb: Verb.untold.rawValue, tag: before.tag, value: 3))
    #expect(after.value == 0)
    #expect(after.errno == nil)
  }

  @Test("Who asks before READY is refused")
  func untoldEarly() throws {
    #expect(try Client().ask(.untold).errno == .invalid)
  }

  @Test("What came and went untold is not told")
  func untold() throws {
    let client = Client()
    _ = try client.ask(.ready)
    _ = client.events()
    for _ in 0..<1000 {
      client.add(3)
      client.drop(3)
    }
    #expect(client.events() == [])
  }

  @Test("What went and came untold is told twice")
  func wentAndCame() throws {
    let client = Client()
    _ = try client.ask(.ready)
    _ = client.events()
    client.drop(1)
    client.add(1)
    #expect(client.events() == [.deviceDropped(id: 1), added(1)])
  }

  @Test("A second READY is refused")
  func twice() throws {
    let client = Client()
    let errnos = [try client.ask(.ready).errno, try client.ask(.ready).errno]
    #expect(errnos == [nil, .invalid])
  }

  /// A client that was told of its devices, with signals of these priorities.
  private func signalling(_ priorities: [UInt32]) throws -> (Client, [SignalHandle]) {
    let client = Client()
    try client.addMemory()
    let handle = try client.open()
    let signals = try priorities.enumerated().map {
      try client.share(handle, id: UInt32($0), priority: $1, cookie: 100 + UInt64($0))
    }
    _ = try client.ask(.ready)
    _ = client.events()
    return (client, signals)
  }

  @Test("A signal that is raised often is told once")
  func once() throws {
    let (client, signals) = try signalling([0])
    for _ in 0..<5 { client.session.raise(signals[0]) }
    #expect(client.events() == [.signal(cookie: 100)])
  }

  @Test("A signal that was told can be raised again")
  func again() throws {
    let (client, signals) = try signalling([0])
    client.session.raise(signals[0])
    _ = client.events()
    client.session.raise(signals[0])
    #expect(client.events() == [.signal(cookie: 100)])
  }

  @Test("Higher priorities come first, equal ones in turn, devices before all")
  func priorities() throws {
    let (client, signals) = try signalling([1, 5, 1, 99])
    for signal in signals { client.session.raise(signal) }
    client.add(3)
    #expect(
      client.events() == [
        added(3), .signal(cookie: 103), .signal(cookie: 101), .signal(cookie: 100),
        .signal(cookie: 102),
      ])
  }

  @Test("The last event of a signal takes the place of one that waits")
  func closed() throws {
    let (client, signals) = try signalling([0, 0])
    client.session.raise(signals[0])
    for device in client.session.openDevices {
      _ = try client.ask(.closeDevice(device.handle))
    }
    client.session.raise(signals[0])
    #expect(client.events() == [.shareClosed(cookie: 100), .shareClosed(cookie: 101)])
  }

  @Test("Signals whose last event is not read count, so that the backlog has a bound")
  func bounded() throws {
    let client = Client(sharesMax: 3)
    try client.addMemory()
    for _ in 0..<3 {
      let handle = try client.open()
      _ = try client.share(handle)
      _ = try client.ask(.closeDevice(handle))
    }
    let wish = ShareRequest(
      handle: try client.open(), id: 0, address: 0x10000, byteCount: 120, signalOffset: 8)
    #expect(try client.ask(.shareMemory(wish)).errno == .noSpace)
  }

  @Test("Event queues limit the priorities")
  func queues() throws {
    let client = Client()
    try client.addMemory()
    let errnos = try (0..<2).map {
      try client.ask(.addEventQueue(queue(UInt32($0)))).errno
    }
    let signal = try client.share(client.open(), priority: 7, cookie: 1)
    _ = try client.ask(.ready)
    client.session.raise(signal)
    #expect(errnos == [nil, nil])
    #expect(client.session.hasEvent(1))
    #expect(!client.session.hasEvent(0))
  }

  private func queue(_ priority: UInt32) -> EventQueue {
    EventQueue(count: 4, priority: priority, ring: 0x10000, records: 0x11000)
  }

  @Test("Queues out of turn, of no size or outside of the memory are refused")
  func wrongQueues() throws {
    let client = Client()
    try client.addMemory()
    let queues = [
      queue(1), EventQueue(count: 0, priority: 0, ring: 0x10000, records: 0x11000),
      EventQueue(count: 4, priority: 0, ring: 0x10004, records: 0x11000),
      EventQueue(count: 4, priority: 0, ring: 0x1fff0, records: 0x11000),
      EventQueue(count: 4, priority: 0, ring: 0x10000, records: 0x1ff00),
    ]
    let errnos = try queues.map { try client.ask(.addEventQueue($0)).errno }
    #expect(errnos == [.invalid, .invalid, .invalid, .badAddress, .badAddress])
  }

  @Test("A queue after READY is refused")
  func lateQueue() throws {
    let client = Client()
    try client.addMemory()
    _ = try client.ask(.ready)
    #expect(try client.ask(.addEventQueue(queue(0))).errno == .invalid)
  }
}

@Suite("Messages have the original's layouts")
struct WireTests {
  @Test("DEVSHM")
  func share() {
    let wish = ShareRequest(
      handle: DeviceHandle(rawValue: 1), id: 2, address: 7, byteCount: 3, flags: 1,
      signalOffset: 4, priority: 5, cookie: 6)
    let bytes = Request.shareMemory(wish).bytes(tag: 9)
    #expect(bytes.count == 8 + 48)
    #expect(
      [0, 4, 8, 16, 20, 24, 28, 32, 36, 40, 48].map { bytes[$0] }
        == [3, 9, 1, 2, 3, 1, 0, 4, 5, 6, 7])
  }

  @Test("DEVCALL")
  func call() {
    let bytes = Request.callDevice(
      DeviceHandle(rawValue: 1), function: 2, byteCount: 3, flags: 4, address: 5
    ).bytes(tag: 9)
    #expect(bytes.count == 8 + 32)
    #expect([0, 4, 8, 16, 20, 24, 28, 32].map { bytes[$0] } == [2, 9, 1, 2, 3, 4, 0, 5])
  }

  @Test(
    "An event of 144 bytes comes back as it was",
    arguments: [
      Event.deviceAdded(id: 3, type: "virtual-ethernet"), .deviceDropped(id: .max),
      .signal(cookie: .max), .shareClosed(cookie: 0),
    ])
  func event(_ event: Event) {
    #expect(event.record.count == 144)
    #expect(Event(event.bytes) == event)
  }

  @Test("A reply comes back as it was")
  func reply() {
    let reply = Reply(verb: 3, tag: 9, errno: .busy, value: 77)
    #expect(Reply(reply.bytes) == reply)
  }

  @Test("What is neither is refused", arguments: [0, 23, 24, 152])
  func neither(_ count: Int) {
    let bytes = [UInt8](repeating: 0, count: count)
    #expect(Reply(bytes) == nil)
    #expect(Event(bytes) == nil)
  }

  @Test("A record of an unknown kind, of a great id or without an end is refused")
  func records() {
    var kind = Event.signal(cookie: 1).record
    kind[0] = 4
    var id = Event.deviceDropped(id: 1).record
    id[12] = 1
    let text =
      Event.deviceAdded(id: 1, type: "").record.prefix(16)
      + [UInt8](repeating: 65, count: 128)
    #expect([kind, id, Array(text)].compactMap(Event.init(record:)) == [])
  }
}
