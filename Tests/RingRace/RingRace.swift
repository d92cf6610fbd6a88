internal import Glibc
internal import LinuxSystem
internal import SharedMemory
internal import Synchronization
internal import Vbus

/// Two threads on one ioq, each with one end of it, in both directions and of several sizes. Status 0
/// when all entries went round once, in order and with their bytes. A program of its own, so that it
/// can be built for the thread sanitizer.
@main
enum RingRace {
  static func main() throws {
    for flow in [Flow.toDevice, .fromDevice] {
      for count in [1, 3, 64] {
        let counts = try race(flow, count)
        print("\(flow), \(count) entries: \(counts.reaped) came back, \(counts.served) were served")
        guard counts == (entries, entries) else { exit(1) }
      }
    }
  }
}

private let entries = 5000

private func race(_ flow: Flow, _ count: Int) throws -> (reaped: Int, served: Int) {
  guard let size = IoqSize(count) else { throw Errno.invalid }
  let byteCount = IoqLayout.byteCount(size)
  let file = try makeMemoryFile("ring", byteCount: byteCount)
  let window = try SharedFile(mapping: file, byteCount: byteCount, writable: true)
    .window(at: 0, byteCount: byteCount)
  let (kick, call) = (try EventDescriptor(), try EventDescriptor())
  let isDone = DoneFlag()
  let served = Tally()
  var driver = try IoqDriverRing(formatting: window, size: size, flow: flow)
  let shared = Shared(window, size)
  let thread = try Thread {
    guard var device = try? IoqDevice(shared.window, flow: flow) else { return }
    served.count = serve(&device, shared, kick, call, isDone)
  }
  let reaped = try drive(&driver, shared, kick, call, seed: UInt64(count))
  isDone.raise()
  kick.ring()
  thread.join()
  return (reaped, served.count)
}

/// Posts and reaps in bursts of random lengths; answers how many came back right.
private func drive(
  _ driver: inout IoqDriverRing, _ shared: Shared, _ kick: EventDescriptor,
  _ call: EventDescriptor, seed: UInt64
) throws -> Int {
  var random = Dice(seed: seed)
  var (posted, reaped) = (0, 0)
  while reaped < entries {
    for _ in 0...Int.random(in: 0..<4, using: &random) where posted < entries && !driver.isFull {
      let place = posted % shared.buffers.count
      shared.buffers[place].number = posted
      _ = driver.post(cookie: UInt64(posted), address: UInt64(place), byteCount: 8)
      posted += 1
    }
    if driver.publish() { kick.ring() }
    let before = reaped
    while let completion = try driver.reap() {
      let number = shared.buffers[reaped % shared.buffers.count].number
      guard completion.cookie == UInt64(reaped),
        number == (driver.flow == .toDevice ? reaped : ~reaped)
      else { return reaped }
      reaped += 1
    }
    guard reaped == before, driver.isFull || posted == entries else { continue }
    if driver.enableNotifications() { continue }
    guard wait(on: call.descriptor, milliseconds: 20000) else { return reaped }
    call.clear()
    driver.disableNotifications()
  }
  return reaped
}

/// Serves until it is told that all is done; answers how many entries were right. Reads what it may
/// read, and inverts what it may write.
private func serve(
  _ device: inout IoqDevice<SharedWindow>, _ shared: Shared, _ kick: EventDescriptor,
  _ call: EventDescriptor, _ isDone: DoneFlag
) -> Int {
  var count = 0
  do {
    while true {
      repeat {
        device.disableNotifications()
        while let offer = try device.take() {
          let buffer = shared.buffers[Int(offer.address)]
          if device.flow == .fromDevice {
            buffer.number = ~count
          } else if buffer.number != count {
            return -1
          }
          device.settle(offer.slot, written: 1)
          count += 1
          if count % 3 == 0 { device.publish() }
        }
        device.publish()
        if device.shouldNotify() { call.ring() }
      } while device.enableNotifications()
      guard !isDone.isRaised else { return count }
      guard wait(on: kick.descriptor, milliseconds: 20000) else { return count }
      kick.clear()
    }
  } catch { return -1 }
}

/// The same mapping for both threads, and buffers that are variables of Swift: a tool that looks for
/// races would see two mappings as two memories, and does not look into copies of raw bytes.
private final class Shared: @unchecked Sendable {
  let window: SharedWindow
  let buffers: [Buffer]

  init(_ window: SharedWindow, _ size: IoqSize) {
    self.window = window
    buffers = (0..<size.count).map { _ in Buffer() }
  }
}

/// Belongs to whom the ring says it does.
private final class Buffer: @unchecked Sendable {
  var number = 0
}

private final class DoneFlag: Sendable {
  private let flag = Atomic(false)
  var isRaised: Bool { flag.load(ordering: .acquiring) }
  func raise() { flag.store(true, ordering: .releasing) }
}

private final class Tally: Sendable {
  private let number = Atomic(0)
  var count: Int {
    get { number.load(ordering: .acquiring) }
    set { number.store(newValue, ordering: .releasing) }
  }
}

private struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 33
  }
}
