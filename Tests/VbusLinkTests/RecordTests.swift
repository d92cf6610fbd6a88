import Testing
import VbusLink

@Suite("A session outlives its engine")
struct RecordTests {
  /// A client with memory, two devices, signals of which one is closed, and all devices told.
  private func busy() throws -> Client {
    let client = Client()
    try client.addMemory()
    let gone = try client.open(0)
    _ = try client.share(gone, cookie: 5)
    _ = try client.ask(.closeDevice(gone))
    let handle = try client.open(1)
    _ = try client.share(handle, id: 3, priority: 2, cookie: 6)
    _ = try client.ask(
      .shareMemory(
        ShareRequest(handle: handle, id: 4, address: 0x10000, byteCount: 64)))
    _ = try client.ask(.ready)
    while case .deviceAdded = client.session.nextEvent(on: client.container.bus) {
      if client.session.lines.contains("told 0 2") { break }
    }
    return client
  }

  /// The bus of that client as a new engine finds it: devices, nothing open.
  private func bus(_ ids: [UInt32] = [0, 1, 2]) -> Bus {
    var bus = Bus()
    for id in ids { _ = bus.add(Client.device, as: id) }
    return bus
  }

  @Test("It is restored as it was")
  func same() throws {
    let lines = try busy().session.lines
    var bus = bus()
    let session = try ClientSession.restored(from: lines, on: &bus)
    #expect(session.lines == lines)
    #expect(bus.isOpen(1))
    #expect(!bus.isOpen(0))
  }

  @Test("Its signals are all raised, and what was closed is told")
  func raised() throws {
    var bus = bus()
    let session = try ClientSession.restored(from: try busy().session.lines, on: &bus)
    let events = [
      session.nextEvent(on: bus), session.nextEvent(on: bus), session.nextEvent(on: bus),
    ]
    #expect(events == [.signal(cookie: 6), .shareClosed(cookie: 5), nil])
  }

  @Test("What came and went meanwhile is told, and nothing twice")
  func meanwhile() throws {
    var bus = bus([0, 1, 7])
    let session = try ClientSession.restored(from: try busy().session.lines, on: &bus)
    let events = [session.nextEvent(on: bus), session.nextEvent(on: bus)]
    #expect(
      events == [.deviceDropped(id: 2), .deviceAdded(id: 7, type: "virtual-ethernet")])
  }

  @Test("Handles go on where they were")
  func handles() throws {
    let client = try busy()
    let before = client.session.openDevices.map(\.handle.rawValue).max()
    var bus = bus()
    let session = try ClientSession.restored(from: client.session.lines, on: &bus)
    let request = Request.openDevice(id: 2, version: 1).bytes(tag: 1)
    guard
      case .carryOut(let call) = try session.receive(request, descriptorCount: 0, on: bus)
    else { throw LinkFault.noHeader(0) }
    let reply = session.finish(call, .done(), on: &bus)
    #expect(reply.value > before ?? 0)
  }

  @Test("Lines that are not known are passed over")
  func unknown() throws {
    let lines = try busy().session.lines
    var bus = bus()
    let session = try ClientSession.restored(from: lines + ["colour 3"], on: &bus)
    #expect(session.lines == lines)
  }

  @Test(
    "A line that means nothing is refused",
    arguments: [
      "", "region 1", "region 65536 1 0", "device 99 0", "device 2 7", "share 2 3 65536 64",
      "share 9 0 65536 64", "share 2 9 0 64", "share 2 9 65536 64 1 8 0 0 0",
      "share 2 9 65536 64 9 8 0 0 0", "told 2 1", "again 0", "queue 4 0 65536 65536", "next x 1",
      "client 2",
    ])
  func malformed(_ line: String) throws {
    let lines = try busy().session.lines
    var bus = bus()
    var fault: LinkFault?
    do throws(LinkFault) {
      _ = try ClientSession.restored(from: lines + [line], on: &bus)
    } catch { fault = error }
    #expect(fault == .malformedRecord(line: lines.count + 1))
    #expect(!bus.isOpen(1))
  }

  @Test("A device that somebody has open, or is named twice, is refused")
  func open() throws {
    let lines = try busy().session.lines
    var bus = bus()
    _ = try ClientSession.restored(from: lines, on: &bus)
    #expect(throws: LinkFault.malformedRecord(line: 0)) {
      try ClientSession.restored(from: lines, on: &bus)
    }
  }

  @Test("No record is none")
  func empty() {
    #expect(throws: LinkFault.malformedRecord(line: 0)) {
      var bus = Bus()
      _ = try ClientSession.restored(from: [], on: &bus)
    }
  }
}
