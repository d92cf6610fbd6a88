internal import LinuxSystem
internal import RingDriver
internal import SharedMemory
internal import Vbus
internal import VbusLink
internal import Virtio

/// The device's half of both ring layouts, 64 chains of one buffer a batch, offered by a driver
/// that stores nothing but what the layout asks for.
///
///     VbusBench SIDE BATCHES        works and ends: for a tool that counts instructions
///
/// A side is ioq or split, or one of them with `-driver` behind it, where nobody serves; or `both`,
/// which is an ioq with our own driver's end. Or random-COUNT: BATCHES times 64 SHMSIGNALs of random
/// handles among so many, as messages; hot-COUNT: all of one of them.
@main
enum VbusBench {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let batches = Int(arguments[2]) else { throw Misuse() }
    let count = 64
    switch arguments[1] {
    case "ioq": try IoqSide(count).work(batches, serves: true)
    case "ioq-driver": try IoqSide(count).work(batches, serves: false)
    case "both": try BothEnds(count).work(batches)
    case "split": try SplitSide(count).work(batches, serves: true)
    case "split-driver": try SplitSide(count).work(batches, serves: false)
    case let side:
      let words = side.split(separator: "-")
      guard words.count == 2, let handles = Int(words[1]), ["hot", "random"].contains(words[0])
      else { throw Misuse() }
      try Decoding(handles).work(batches, isHot: words[0] == "hot")
    }
  }
}

struct Misuse: Error {}
/// The device did not do what it was asked.
struct Broken: Error {}

/// Serves until nothing waits; answers how many chains there were.
@inline(never)
private func serve<R: Ring & ~Copyable>(_ ring: inout R, _ segments: inout Segments) throws -> Int {
  var served = 0
  repeat {
    ring.disableKicks()
    while let loan = try ring.next(&segments) {
      ring.settle(loan, written: 0)
      served += 1
    }
    ring.publish()
    _ = ring.shouldInterrupt()
  } while ring.enableKicks()
  return served
}

private struct IoqSide {
  let memory: DriverMemory
  let window: SharedWindow
  let place: Int
  let size: IoqSize

  init(_ count: Int) throws {
    guard let size = IoqSize(count) else { throw Misuse() }
    self.size = size
    memory = try DriverMemory(byteCount: 1 << 16)
    place = memory.allocate(IoqLayout.byteCount(size))
    window = memory.bytes.window(at: place, byteCount: IoqLayout.byteCount(size))
    IoqLayout.format(window, size: size)
    for slot in 0..<size.rawValue {
      window.storeRelaxed(
        UInt64(8), at: IoqLayout.descriptor(slot) + IoqLayout.length)
    }
  }

  func work(_ batches: Int, serves: Bool) throws {
    let guest = try memory.mapped()
    var ring = try IoqRing(
      at: memory.guestAddress(of: place), byteCount: window.byteCount, flow: .toDevice,
      memory: guest)
    var segments = Segments()
    for _ in 0..<batches {
      for slot in 0..<size.rawValue {
        // Valid, and south's.
        window.storeRelease(
          UInt64(0x0101), at: IoqLayout.descriptor(slot) &+ IoqLayout.isValid)
      }
      guard serves else { continue }
      guard try serve(&ring, &segments) == size.count else { throw Broken() }
    }
  }
}

private struct SplitSide {
  let memory: DriverMemory
  let driver: SplitDriver

  init(_ count: Int) throws {
    guard let size = QueueSize(count) else { throw Misuse() }
    memory = try DriverMemory(byteCount: 1 << 16)
    driver = SplitDriver(size, in: memory, features: .version1)
    let address = memory.guestAddress(of: 0).rawValue
    for slot in 0..<size.rawValue {
      driver.set(slot, address: address, count: 8, flags: 0, next: 0)
    }
  }

  func work(_ batches: Int, serves: Bool) throws {
    let guest = try memory.mapped()
    var ring = try SplitRing(
      size: driver.size, at: driver.addresses, memory: guest, start: 0, features: .version1)
    var segments = Segments()
    let available = driver.available
    var next: UInt16 = 0
    for _ in 0..<batches {
      for _ in 0..<driver.size.rawValue {
        available.storeRelaxed(
          next & driver.size.mask, at: driver.layout.availableSlot(next))
        next &+= 1
      }
      available.storeRelease(next, at: SplitLayout.index)
      guard serves else { continue }
      guard try serve(&ring, &segments) == driver.size.count else { throw Broken() }
    }
  }
}

private struct BothEnds {
  let memory: DriverMemory
  let place: Int
  let size: IoqSize

  init(_ count: Int) throws {
    guard let size = IoqSize(count) else { throw Misuse() }
    self.size = size
    memory = try DriverMemory(byteCount: 1 << 16)
    place = memory.allocate(IoqLayout.byteCount(size))
  }

  func work(_ batches: Int) throws {
    let guest = try memory.mapped()
    let window = memory.bytes.window(at: place, byteCount: IoqLayout.byteCount(size))
    var driver = try IoqDriverRing(formatting: window, size: size, flow: .toDevice)
    var ring = try IoqRing(
      at: memory.guestAddress(of: place), byteCount: window.byteCount, flow: .toDevice,
      memory: guest)
    var segments = Segments()
    for _ in 0..<batches {
      while driver.post(cookie: 0, address: 0, byteCount: 8) != nil {}
      _ = driver.publish()
      guard try serve(&ring, &segments) == size.count else { throw Broken() }
      while try driver.reap() != nil {}
    }
  }
}

/// A session with as many signals as are asked for.
private final class Decoding {
  private var bus = Bus()
  private let session: ClientSession
  private let count: Int

  init(_ count: Int) throws {
    self.count = count
    session = ClientSession(sharesMax: count)
    try ask(.hello(magic: Request.magicNumber, version: 1, []))
    try ask(.addMemory(Region(address: 0, byteCount: 4096, fileOffset: 0)), 1)
    for index in 0..<count {
      let (device, id) = (UInt32(index / 1024), UInt32(index % 1024))
      if id == 0 {
        guard bus.add(Bus.Device(type: "bench", version: 1), as: device) else { throw Broken() }
        try ask(.openDevice(id: device, version: 1))
      }
      try ask(
        .shareMemory(
          ShareRequest(
            handle: DeviceHandle(rawValue: UInt64(device) + 1), id: id, address: 0, byteCount: 16,
            signalOffset: 0)))
    }
  }

  private func ask(_ request: Request, _ descriptorCount: Int = 0) throws {
    try ask(request.bytes(tag: 0), descriptorCount)
  }

  @inline(never)
  private func ask(_ bytes: [UInt8], _ descriptorCount: Int) throws {
    guard
      case .carryOut(let call) = try session.receive(
        bytes, descriptorCount: descriptorCount, on: bus)
    else { throw Broken() }
    _ = session.finish(call, .done(), on: &bus)
  }

  func work(_ batches: Int, isHot: Bool) throws {
    var messages: [[UInt8]] = []
    var state: UInt64 = 1
    for _ in 0..<65536 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let handle = isHot ? count / 2 : Int((state >> 33) % UInt64(count))
      messages.append(Request.signal(SignalHandle(rawValue: UInt32(handle))).bytes(tag: 0))
    }
    try decode(messages, batches * 64)
  }

  /// What is counted, by its name.
  @inline(never)
  private func decode(_ messages: [[UInt8]], _ count: Int) throws {
    for index in 0..<count { try ask(messages[index % messages.count], 0) }
  }
}
