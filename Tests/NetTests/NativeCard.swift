import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import TestSupport
import Vbus
import VbusLink
import Virtio

/// A network card with a client of its own interface, "virtual-ethernet".
final class NativeCard {
  let memory: DriverMemory
  let guest: GuestMemory
  let host: PlayedHost
  let receive: NativeQueue
  let transmit: NativeQueue
  let events: NativeQueue
  /// A place for each entry of the event queue.
  let pool: Segment
  private(set) var model: NetModel
  private let setup: DeviceSetup
  private let counterFile: SharedFile
  /// What was posted to the receive queue, oldest first: a buffer, or a header with its parts.
  private var posted: [(buffer: Segment, parts: [Segment])] = []

  static let entries = 16

  /// `offered`: what the administrator lets through.
  init(
    _ values: [String: String] = [:], _ descriptors: [Descriptor] = [],
    on host: PlayedHost? = nil, offered: FeatureBits = FeatureBits(rawValue: .max)
  ) throws {
    let host = try host ?? PlayedHost()
    let memory = try DriverMemory(byteCount: 4 << 20)
    let guest = try memory.mapped()
    (self.host, self.memory, self.guest) = (host, memory, guest)
    receive = try NativeQueue(0, .fromDevice, entries: Self.entries, memory, guest)
    transmit = try NativeQueue(1, .toDevice, entries: Self.entries, memory, guest)
    events = try NativeQueue(3, .fromDevice, entries: Self.entries, memory, guest)
    pool = memory.target(Self.entries * VenetEvents.byteCountMax)
    let words = 8 * NetCounter.allCases.count
    counterFile = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: words), byteCount: words, writable: true)
    var all = ["mac": Card.mac, "backend": "loopback"]
    all.merge(values) { $1 }
    setup = DeviceSetup(
      values: all, descriptors: descriptors,
      counters: counterFile.window(at: 0, byteCount: words), offered: offered.rawValue)
    model = try NetModel(setup)
    model.begin(on: host)
    host.rings = [0: Self.entries, 1: Self.entries]
  }

  deinit { model.end() }

  func counter(_ counter: NetCounter) -> UInt64 {
    counterFile.window(at: 8 * counter.rawValue, byteCount: 8).relaxed64(at: 0)
  }

  // MARK: Functions

  @discardableResult
  func call(_ function: VenetFunction, _ data: [UInt8] = []) throws -> [UInt8] {
    var data = data
    _ = try model.call(function.rawValue, &data)
    return data
  }

  /// What of these bits is granted.
  @discardableResult
  func negotiate(_ group: UInt32, _ bits: UInt32) throws -> UInt32 {
    let answer = try call(.negotiate, little(group) + little(bits))
    return UInt32(number(answer, at: 4, 4))
  }

  /// A link over which flat frames pass.
  func flat() throws -> NativeCard {
    try call(.linkUp)
    return self
  }

  /// A link over which frames in parts pass.
  func scattered(_ bits: VenetScatterGather = [.scatterGather, .tso4, .tso6, .ecn]) throws
    -> NativeCard
  {
    try negotiate(0, bits.rawValue)
    try call(.linkUp)
    return self
  }

  /// A link with events of these kinds, and `count` buffers posted for them.
  func telling(_ kinds: VenetEventKinds, buffers count: Int = NativeCard.entries) throws
    -> NativeCard
  {
    try negotiate(1, kinds.rawValue)
    shareEvents()
    try call(.linkUp)
    for index in 0..<count { events.post(place(index)) }
    return self
  }

  func shareEvents() {
    host.rings[3] = Self.entries
    host.shares[VenetShare.eventPool] = (pool.address.rawValue, pool.count)
  }

  /// The place in the pool for an entry of the event queue.
  func place(_ index: Int) -> Segment {
    let start = pool.address.rawValue + UInt64(index * VenetEvents.byteCountMax)
    return Segment(
      address: GuestAddress(start), count: UInt32(VenetEvents.byteCountMax), isWritable: true)
  }

  /// Another engine goes on with what this one wrote down. False when it cannot.
  func succeed(_ lines: [String]? = nil) throws -> Bool {
    let lines = lines ?? model.interfaceLines
    model.end()
    model = try NetModel(setup)
    model.begin(on: host)
    return model.restoreInterface(lines)
  }

  // MARK: Frames

  /// Sends one buffer, a flat frame or a header. True when it came back.
  @discardableResult
  func send(_ bytes: [UInt8]) throws -> Bool { try send(memory.source(bytes)) }

  @discardableResult
  func send(_ buffer: Segment) throws -> Bool {
    transmit.post(buffer)
    try transmit.serve(model, guest)
    return try transmit.reap().count == 1
  }

  /// Posts buffers of these sizes for flat frames.
  func lend(_ sizes: [Int]) {
    for size in sizes { lend(memory.target(size), parts: []) }
  }

  /// Posts a header with empty parts of these sizes.
  func lend(parts sizes: [Int]) {
    let parts = sizes.map { memory.target($0) }
    lend(memory.source(Packet(parts).bytes), parts: parts)
  }

  func lend(_ buffer: Segment, parts: [Segment]) {
    receive.post(buffer)
    posted.append((buffer, parts))
  }

  /// The flat frames that came.
  func frames(_ sizes: [Int] = [2048, 2048, 2048, 2048]) throws -> [[UInt8]] {
    lend(sizes)
    try receive.serve(model, guest)
    return try receive.reap().map { completion in
      let buffer = posted.removeFirst().buffer
      return Array(memory.content(of: buffer).prefix(Int(completion.written)))
    }
  }

  /// A frame in parts as the client got it.
  struct Received {
    /// The descriptor's length, which is the header's.
    var written: Int
    var header: [UInt8]
    /// What is in the parts, by the lengths that the header has for them.
    var frame: [UInt8]

    var flags: UInt32 { UInt32(number(header, at: VenetPacket.flags, 4)) }
    var byteCount: Int { Int(number(header, at: VenetPacket.frameByteCount, 4)) }
    var checksum: [UInt64] {
      [
        number(header, at: VenetPacket.checksumStart, 2),
        number(header, at: VenetPacket.checksumOffset, 2),
      ]
    }
  }

  /// The frames in parts that came, after headers with these parts were posted.
  func packets(_ headers: [[Int]] = [[2048], [2048], [2048], [2048]]) throws -> [Received] {
    for sizes in headers { lend(parts: sizes) }
    try receive.serve(model, guest)
    return try receive.reap().map { completion in
      let (buffer, parts) = posted.removeFirst()
      let header = memory.content(of: buffer)
      let frame = parts.indices.flatMap { index in
        let length = number(header, at: VenetPacket.byteCount(parts: index), 4)
        return memory.content(of: parts[index]).prefix(Int(length))
      }
      return Received(written: Int(completion.written), header: header, frame: frame)
    }
  }

  // MARK: Events

  /// The events that came.
  func told() throws -> [[UInt8]] {
    try events.serve(model, guest)
    return try events.reap().map { completion in
      Array(memory.content(of: place(Int(completion.slot))).prefix(Int(completion.written)))
    }
  }
}
