internal import BenchTwins
internal import LinuxSystem
internal import VbusClient
internal import VbusLink
internal import Virtio

/// What a signal and a call of the bus take, beside the bare means they go by.
///
///     BusBench signals SOCKET ID ROUNDS COUNT
///     BusBench frames SOCKET ID ROUNDS COUNT
///
/// SOCKET is a container's, ID a card on it with backend `null`, or for frames `loopback`. Prints lines
/// `SIDE VALUE`, the sides in turn. Of signals nanoseconds: `signal` is from ringing an eventfd until
/// the device has looked, served one frame and rung back, `events` a bare ping-pong of two eventfds;
/// `call` is a DEVCALL, `message` one by the socket, `packets` a bare ping-pong of as many bytes. Of
/// frames how many a second: `venet` by its own interface and ioqs, `virtio` by virtio's and
/// virtqueues.
@main
enum BusBench {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let id = UInt32(arguments[3]), let rounds = Int(arguments[4]),
      let count = Int(arguments[5])
    else { throw Misuse() }
    switch arguments[1] {
    case "signals": try compareSignals(arguments[2], id, rounds, count)
    case "frames":
      try compareFrames(BusClient(connectingTo: arguments[2]), id, rounds, count)
    default: throw Misuse()
    }
  }

  private static func compareSignals(
    _ socket: String, _ id: UInt32, _ rounds: Int, _ count: Int
  ) throws {
    var options = SocketConnector.Options()
    options.wantsFastCalls = false
    for _ in 0..<rounds {
      var bench = try Bench(BusClient(connectingTo: socket), id)
      try print("signal \(bench.signals(count))")
      print("events \(Double(pingpong_events(count)) / Double(count))")
      try print("call \(bench.calls(count))")
      try bench.close()
      bench = try Bench(BusClient(connectingTo: socket, options: options), id)
      try print("message \(bench.calls(count))")
      try bench.close()
      print("packets \(Double(pingpong_packets(count, 40, 24)) / Double(count))")
    }
  }

  private static func compareFrames(
    _ client: BusClient, _ id: UInt32, _ rounds: Int, _ count: Int
  ) throws {
    for _ in 0..<rounds {
      for interface in Card.Interface.allCases {
        let card = try Card(interface, client, id)
        print("\(interface.rawValue) \(try card.run(count))")
        try card.close()
      }
    }
  }
}

struct Misuse: Error {}

/// A client with a card that sends one frame at a time, to nowhere.
struct Bench {
  private let device: VirtioDevice
  private let queue: ClientQueue
  private let frame: Segment

  init(_ client: BusClient, _ id: UInt32) throws {
    device = try VirtioDevice(client.open(id))
    let features = try device.negotiate(.splitRing)
    let memory = try client.makeMemory(byteCount: 1 << 16)
    // transmitq1 (VIRTIO 1.2 section 5.1.2).
    queue = try device.makeQueue(1, .virtqueue(4, features: features), in: memory)
    guard let buffer = memory.allocate(72) else { throw Misuse() }
    frame = buffer.segment(isWritable: false)
    try device.start()
    _ = try signals(100)
  }

  /// Nanoseconds from a bell to the bell that answers. It is waited for without an end, as the other
  /// side waits.
  func signals(_ count: Int) throws -> Double {
    let start = monotonicNanoseconds()
    for _ in 0..<count {
      guard try queue.post(frame, cookie: 0) else { throw Misuse() }
      try queue.publish()
      guard try queue.wait(milliseconds: -1), try queue.reap() != nil else { throw Misuse() }
    }
    return Double(monotonicNanoseconds() - start) / Double(count)
  }

  func close() throws { try device.connection.close() }

  /// Nanoseconds of a call that only asks.
  func calls(_ count: Int) throws -> Double {
    let start = monotonicNanoseconds()
    for _ in 0..<count { _ = try device.status() }
    return Double(monotonicNanoseconds() - start) / Double(count)
  }
}
