import Connectors
import LinuxSystem
import StreamLink
import TestSupport
import Testing
import VbusClient
import VbusLink

@Suite("A session over a stream")
struct StreamSessionTests {
  @Test("Slow streams carry everything", .timeLimit(.minutes(2)))
  func slow() throws {
    let lab = try BusLab(.slow)
    let disk = try Disk(lab.open(lab.disk()))
    var dice = Dice(3)
    let bytes = dice.bytes(4096)
    #expect(try disk.write(bytes, sector: 8) == 0)
    #expect(try disk.read(4096, sector: 8).data == bytes)
  }

  @Test("On a slow stream many requests take no longer than one", .timeLimit(.minutes(2)))
  func slowButWide() throws {
    let lab = try BusLab(.slow)
    let disk = try Disk(lab.open(lab.disk()), size: 256)
    for index in 0..<40 as Range<UInt64> {
      _ = try disk.postWrite([1], sector: index)
    }
    let start = monotonicNanoseconds()
    try disk.rings[0].queue.publish()
    #expect(try disk.rings[0].finish(40).count == 40)
    #expect(monotonicNanoseconds() - start < 3_000_000_000)
  }

  @Test("Whatever the cuts, disk and bus say the same", arguments: 2..<12 as Range<UInt64>)
  func manyCuts(seed: UInt64) throws {
    let lab = try BusLab(.cuts, seed: seed)
    let disk = try Disk(lab.open(lab.disk()), size: 128)
    var dice = Dice(seed)
    for round in 0..<12 as Range<UInt64> {
      let bytes = dice.bytes(512 * (1 + dice.below(12)))
      #expect(try disk.write(bytes, sector: 16 * round) == 0)
      #expect(try disk.read(bytes.count, sector: 16 * round).data == bytes)
    }
    #expect(try disk.device.connection.client.devices().count == 1)
  }

  @Test("A client that does not come back loses its devices in time")
  func noResumption() throws {
    let lab = try BusLab(.socket)
    let rng = try lab.rng()
    let path = try lab.relay(resumeMilliseconds: 300)
    let ends = Ends()
    let client = try BusClient(
      StreamConnector { () throws(Errno) in
        guard ends.isFirst else { throw .connectionRefused }
        return try ends.begin(connect(to: path))
      })
    _ = try client.open(rng.offer.devID)
    let other = try lab.client(for: rng)
    #expect(throws: BusError.refused(.busy)) { _ = try other.open(rng.offer.devID) }
    ends.cut()
    _ = try awaitAnswer("the device") { try? other.open(rng.offer.devID) }
  }

  @Test("A relay that was started anew does not know the session, which is over")
  func relayDied() throws {
    let lab = try BusLab(.socket)
    let rng = try lab.rng()
    let paths = [try lab.relay(), try lab.relay()]
    let ends = Ends()
    let client = try BusClient(
      StreamConnector { () throws(Errno) in
        try ends.begin(connect(to: ends.isFirst ? paths[0] : paths[1]))
      })
    let connection = try client.open(rng.offer.devID)
    ends.cut()
    #expect(throws: BusError.disconnected) { _ = try VirtioDevice(connection) }
  }

  @Test("A second client takes the first one's place")
  func secondClient() throws {
    let lab = try BusLab(.socket)
    let rng = try lab.rng()
    let path = try lab.relay()
    let first = try BusClient(BusLab.stream(to: path, patienceMilliseconds: 1000))
    _ = try first.open(rng.offer.devID)
    let second = try BusClient(BusLab.stream(to: path))
    _ = try second.open(rng.offer.devID)
    #expect(throws: BusError.disconnected) {
      for _ in 0..<100 { _ = try first.nextEvent(milliseconds: 50) }
    }
  }

  @Test("When the bus ends the session ends with a sentence")
  func busEnds() throws {
    let lab = try BusLab(.socket)
    let path = try lab.relay { () throws(BusError) in throw .unreachable(.noEntry) }
    #expect(throws: BusError.disconnected) { _ = try BusLab.stream(to: path) }
  }

  @Test("Bytes that are no greeting end the stream, and the relay serves the next one")
  func foreign() throws {
    let lab = try BusLab(.socket)
    let rng = try lab.rng()
    let path = try lab.relay()
    let stranger = try connect(to: path)
    // The relay has enough before it has everything.
    try? write([UInt8](repeating: 0x47, count: 3 << 20), to: stranger)
    let client = try BusClient(BusLab.stream(to: path))
    #expect(try client.devices().map(\.id) == [rng.offer.devID])
  }

  @Test(
    "Random bytes behind a good greeting end the session, not the relay",
    arguments: 0..<20 as Range<UInt64>)
  func hostile(seed: UInt64) throws {
    let lab = try BusLab(.socket)
    let path = try lab.relay()
    var dice = Dice(seed)
    var stream = ResumableStream(.opener, session: seed + 1)
    let socket = try connect(to: path)
    stream.begin()
    try exchange(&stream, socket)
    let messages: [StreamMessage] = [
      .chain(StreamChain(share: 1, number: 0, readable: 4, writable: 4)),
      .data(share: 7, chain: 1, [1]), .raised(share: 0), .ring(share: 9),
      .close(tag: 1, DeviceHandle(rawValue: 9)),
      .share(
        tag: 1,
        StreamShare(
          handle: DeviceHandle(rawValue: 1), id: 0, priority: 9,
          kind: .bytes(byteCount: .max, signalOffset: .max))),
      .open(tag: 1, id: .max, version: .max), .hello(formats: .max), .untold(tag: 0),
    ]
    for _ in 0..<10 {
      let isMessage = dice.below(3) > 0
      stream.send(
        isMessage ? messages[dice.below(messages.count)].bytes : dice.bytes(1 + dice.below(60)))
    }
    try exchange(&stream, socket)
    let client = try BusClient(BusLab.stream(to: path))
    #expect(try client.devices().isEmpty)
  }

  /// Writes what there is, and reads what comes within a moment.
  private func exchange(_ stream: inout ResumableStream, _ socket: Descriptor) throws {
    for _ in 0..<4 {
      while let part = stream.output {
        guard (try? write(Array(part), to: socket)) != nil else { return }
        stream.wrote(part.count)
      }
      guard wait(on: socket, milliseconds: 30) else { continue }
      guard let bytes = try? read(socket, upTo: 65536), !bytes.isEmpty else { return }
      _ = try? stream.receive(bytes)
    }
  }
}

/// The streams of one client, of which the newest can be cut.
private final class Ends {
  private var socket: Descriptor?
  var isFirst: Bool { socket == nil }

  func begin(_ socket: Descriptor) -> StreamEnds {
    self.socket = socket
    return StreamEnds(socket)
  }

  func cut() { socket.map { disconnect($0) } }
}
