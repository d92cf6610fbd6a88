internal import BenchTwins
internal import LinuxSystem
internal import VbusClient
internal import VbusLink
internal import Virtio

/// What a signal and a call of the bus take, beside the bare means they go by.
///
///     BusBench disk SOCKET ID ROUNDS COUNT
///     BusBench card SOCKET ID ROUNDS COUNT
///
/// SOCKET is a container's, ID a disk on it with backend `null`, or a card with backend `loopback`.
/// Prints lines `SIDE VALUE`, the sides in turn. Of a disk nanoseconds: `signal` is from ringing an
/// eventfd until the device has looked, served one request and rung back, `events` a bare ping-pong of
/// two eventfds; `call` is a DEVCALL, `packets` a bare ping-pong of as many bytes. Of a card frames per
/// second: `venet` by its own interface and ioqs, `virtio` by virtio's and virtqueues.
@main
enum BusBench {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let id = UInt32(arguments[3]), let rounds = Int(arguments[4]),
      let count = Int(arguments[5])
    else { throw Misuse() }
    let client = try BusClient(connectingTo: arguments[2])
    switch arguments[1] {
    case "disk": try compareDisk(Bench(client, id), rounds, count)
    case "card": try compareCard(client, id, rounds, count)
    default: throw Misuse()
    }
  }

  private static func compareDisk(_ bench: Bench, _ rounds: Int, _ count: Int) throws {
    for _ in 0..<rounds {
      try print("signal \(bench.signals(count))")
      print("events \(Double(pingpong_events(count)) / Double(count))")
      try print("call \(bench.calls(count))")
      print("packets \(Double(pingpong_packets(count, 40, 24)) / Double(count))")
    }
  }

  private static func compareCard(
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

/// A client with a disk that has one request under way at a time.
struct Bench {
  private let device: VirtioDevice
  private let queue: ClientQueue
  private let chain: [Segment]

  init(_ client: BusClient, _ id: UInt32) throws {
    device = try VirtioDevice(client.open(id))
    let features = try device.negotiate(.splitRing)
    let memory = try client.makeMemory(byteCount: 1 << 16)
    queue = try device.makeQueue(0, .virtqueue(4, features: features), in: memory)
    guard let header = memory.allocate(16), let status = memory.allocate(1) else {
      throw Misuse()
    }
    // VIRTIO_BLK_T_FLUSH: nothing to do for a disk that is none.
    memory.set([4] + [UInt8](repeating: 0, count: 15), in: header)
    chain = [header.segment(isWritable: false), status.segment(isWritable: true)]
    try device.start()
    _ = try signals(100)
  }

  /// Nanoseconds from a bell to the bell that answers.
  func signals(_ count: Int) throws -> Double {
    let start = monotonicNanoseconds()
    for _ in 0..<count {
      guard try queue.post(chain, cookie: 0) else { throw Misuse() }
      try queue.publish()
      guard try queue.wait(milliseconds: 10_000), try queue.reap() != nil else { throw Misuse() }
    }
    return Double(monotonicNanoseconds() - start) / Double(count)
  }

  /// Nanoseconds of a call that only asks.
  func calls(_ count: Int) throws -> Double {
    let start = monotonicNanoseconds()
    for _ in 0..<count { _ = try device.status() }
    return Double(monotonicNanoseconds() - start) / Double(count)
  }
}
