import LinuxSystem
import Testing
import VbusLink

@Suite("A client says HELLO first")
struct HelloTests {
  @Test("What both can do is agreed on")
  func agreed() throws {
    let client = Client(isReady: false)
    let reply = try client.ask(
      .hello(
        magic: Request.magicNumber, version: 1, Capabilities(rawValue: .max)))
    #expect(reply.value == Capabilities.implemented.rawValue)
  }

  @Test("Another magic number is refused")
  func magic() throws {
    let client = Client(isReady: false)
    let reply = try client.ask(.hello(magic: 1, version: 1, []))
    #expect(reply.errno == .invalid)
  }

  @Test("Another version is refused")
  func version() throws {
    let client = Client(isReady: false)
    let reply = try client.ask(.hello(magic: Request.magicNumber, version: 2, []))
    #expect(reply.errno == .invalid)
  }

  @Test("A second HELLO is refused")
  func twice() throws {
    let reply = try Client().ask(.hello(magic: Request.magicNumber, version: 1, []))
    #expect(reply.errno == .invalid)
  }

  @Test("Anything before it is refused")
  func before() throws {
    let reply = try Client(isReady: false).ask(.openDevice(id: 0, version: 1))
    #expect(reply.errno == .invalid)
  }

  @Test("An unknown verb is refused, and its tag comes back")
  func unknown() throws {
    let reply = try Client().ask([99, 0, 0, 0, 7, 0, 0, 0])
    #expect(reply == Reply(verb: 99, tag: 7, errno: .notImplemented))
  }

  @Test("A payload of another length is refused", arguments: Verb.allCases)
  func length(_ verb: Verb) throws {
    let bytes = [UInt8(verb.rawValue), 0, 0, 0, 7, 0, 0, 0]
    let payload = [UInt8](repeating: 0, count: verb.payloadByteCount + 1)
    #expect(
      try Client().ask(bytes + payload)
        == Reply(verb: verb.rawValue, tag: 7, errno: .invalid))
  }

  @Test("A message without a verb ends the connection", arguments: [0, 7])
  func noHeader(_ count: Int) {
    #expect(throws: LinkFault.noHeader(count)) {
      try ClientSession().receive(
        [UInt8](repeating: 0, count: count), descriptorCount: 0, on: Bus())
    }
  }

  @Test("A descriptor that no verb asked for is refused")
  func descriptor() throws {
    let reply = try Client().ask(.openDevice(id: 0, version: 1), descriptorCount: 1)
    #expect(reply.errno == .invalid)
  }
}

@Suite("A client opens devices")
struct OpenTests {
  @Test("An open device has a handle")
  func open() throws {
    let reply = try Client().ask(.openDevice(id: 0, version: 1))
    #expect(reply.errno == nil)
    #expect(reply.value != 0)
  }

  @Test("An id that is not there is refused")
  func noEntry() throws {
    let reply = try Client().ask(.openDevice(id: 9, version: 1))
    #expect(reply.errno == .noEntry)
  }

  @Test("Another version of the device's calls is refused")
  func version() throws {
    let reply = try Client().ask(.openDevice(id: 0, version: 2))
    #expect(reply.errno == .invalid)
  }

  @Test("A device that is open is refused, to another client too")
  func busy() throws {
    let one = Client()
    let other = Client(sharing: one)
    _ = try one.ask(.openDevice(id: 0, version: 1))
    let replies = [
      try one.ask(.openDevice(id: 0, version: 1)), try other.ask(.openDevice(id: 0, version: 1)),
    ]
    #expect(replies.map(\.errno) == [.busy, .busy])
  }

  @Test("A device that its class refuses is not open")
  func refused() throws {
    let client = Client()
    let refused = try client.ask(
      .openDevice(id: 0, version: 1), outcome: .refused(.noDevice))
    let again = try client.ask(.openDevice(id: 0, version: 1))
    #expect(refused.errno == .noDevice)
    #expect(again.errno == nil)
  }

  @Test("A closed handle is gone, and never given again")
  func closed() throws {
    let client = Client()
    let first = try client.open()
    let closing = try client.ask(.closeDevice(first))
    let again = try client.ask(.closeDevice(first))
    let second = try client.open()
    #expect(closing.errno == nil)
    #expect(again.errno == .noEntry)
    #expect(second != first)
  }

  @Test("A device call answers the device's number")
  func call() throws {
    let client = Client()
    let handle = try client.open()
    let reply = try client.ask(
      .callDevice(handle, function: 2, byteCount: 6, flags: 0, address: 0),
      outcome: .done(77))
    #expect(reply.value == 77)
  }

  @Test("A device call with a foreign handle is refused")
  func foreignCall() throws {
    let one = Client()
    let handle = try one.open()
    let reply = try Client(sharing: one).ask(
      .callDevice(handle, function: 2, byteCount: 6, flags: 0, address: 0))
    #expect(reply.errno == .noEntry)
  }

  @Test("A device call with too much data is refused")
  func longCall() throws {
    let client = Client()
    let handle = try client.open()
    let reply = try client.ask(
      .callDevice(handle, function: 2, byteCount: 65537, flags: 0, address: 0))
    #expect(reply.errno == .invalid)
  }

  @Test("A device that was unplugged while open goes on, and cannot be opened")
  func unplugged() throws {
    let client = Client()
    let handle = try client.open()
    client.drop(0)
    let call = try client.ask(
      .callDevice(handle, function: 2, byteCount: 6, flags: 0, address: 0))
    _ = try client.ask(.closeDevice(handle))
    let opening = try client.ask(.openDevice(id: 0, version: 1))
    #expect(call.errno == nil)
    #expect(opening.errno == .noEntry)
  }

  @Test("A device that came back is busy until its old connection is closed")
  func cameBack() throws {
    let client = Client()
    let handle = try client.open()
    client.drop(0)
    client.add(0)
    let busy = try client.ask(.openDevice(id: 0, version: 1))
    _ = try client.ask(.closeDevice(handle))
    let opening = try client.ask(.openDevice(id: 0, version: 1))
    #expect(busy.errno == .busy)
    #expect(opening.errno == nil)
  }

  @Test("The death of a client gives back all it had")
  func death() throws {
    let one = Client()
    let other = Client(sharing: one)
    let handle = try one.open()
    let left = one.end()
    let opening = try other.ask(.openDevice(id: 0, version: 1))
    #expect(left.map(\.handle) == [handle])
    #expect(opening.errno == nil)
  }
}
