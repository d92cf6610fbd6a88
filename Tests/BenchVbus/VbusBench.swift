internal import LinuxSystem
internal import RingDriver
internal import SharedMemory
internal import Vbus
internal import Virtio

/// The device's half of both ring layouts, 64 chains of one buffer a batch, offered by a driver
/// that stores nothing but what the layout asks for.
///
///     VbusBench SIDE BATCHES        works and ends: for a tool that counts instructions
///
/// A side is ioq or split, or one of them with `-driver` behind it, where nobody serves; or `both`,
/// which is an ioq with our own driver's end.
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
    default: throw Misuse()
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
