import LinuxSystem
import SharedMemory
import Synchronization
import Testing
import Vbus
import TestSupport

@Suite("Two threads on one ring")
struct ThreadTests {
  @Test(
    "All entries go round once, in order, with their bytes",
    arguments: [Flow.toDevice, .fromDevice], [1, 3, 64])
  func both(_ flow: Flow, _ size: Int) throws {
    let rig = try WindowRig(size)
    let (kick, call) = (try EventDescriptor(), try EventDescriptor())
    let isDone = DoneFlag()
    let served = Tally()
    var driver = try rig.driver(flow)
    let shared = Shared(rig)
    let thread = try Thread {
      guard var device = try? IoqDevice(shared.window, flow: flow) else { return }
      served.count = serve(&device, shared, kick, call, isDone)
    }
    let reaped = try drive(&driver, shared, kick, call, seed: UInt64(size))
    isDone.raise()
    kick.ring()
    thread.join()
    #expect(reaped == Self.entries)
    #expect(served.count == Self.entries)
  }

  static let entries = 5000

  /// Posts and reaps in bursts of random lengths; answers how many came back right.
  private func drive(
    _ driver: inout IoqDriverRing, _ shared: Shared, _ kick: EventDescriptor,
    _ call: EventDescriptor, seed: UInt64
  ) throws -> Int {
    var random = Dice(seed)
    var (posted, reaped) = (0, 0)
    while reaped < Self.entries {
      for _ in 0...random.below(4) where posted < Self.entries && !driver.isFull {
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
      guard reaped == before, driver.isFull || posted == Self.entries else { continue }
      if driver.enableNotifications() { continue }
      guard wait(on: call.descriptor, milliseconds: 20000) else { return reaped }
      call.clear()
      driver.disableNotifications()
    }
    return reaped
  }
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

  init(_ rig: WindowRig) {
    window = rig.window
    buffers = (0..<rig.size.count).map { _ in Buffer() }
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
