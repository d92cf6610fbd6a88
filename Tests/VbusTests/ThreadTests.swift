import LinuxSystem
import SharedMemory
import Synchronization
import Testing
import Vbus

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
    let reaped = try drive(&driver, rig, kick, call, seed: UInt64(size))
    isDone.raise()
    kick.ring()
    thread.join()
    #expect(reaped == Self.entries)
    #expect(served.count == Self.entries)
  }

  static let entries = 5000

  /// Posts and reaps in bursts of random lengths; answers how many came back right.
  private func drive(
    _ driver: inout IoqDriverRing, _ rig: WindowRig, _ kick: EventDescriptor,
    _ call: EventDescriptor, seed: UInt64
  ) throws -> Int {
    var random = Random(seed: seed)
    var (posted, reaped) = (0, 0)
    let start = rig.memory.allocate(8 * rig.size.count)
    while reaped < Self.entries {
      for _ in 0...random.below(4) where posted < Self.entries && !driver.isFull {
        let place = start + posted % rig.size.count * 8
        rig.memory.bytes.setBytes([UInt8(truncatingIfNeeded: posted)], at: place)
        _ = driver.post(
          cookie: UInt64(posted), address: rig.memory.guestAddress(of: place).rawValue,
          byteCount: 8)
        posted += 1
      }
      if driver.publish() { kick.ring() }
      let before = reaped
      while let completion = try driver.reap() {
        let byte = rig.memory.bytes.bytes(
          at: start + reaped % rig.size.count * 8, byteCount: 1)[0]
        let expected = UInt8(truncatingIfNeeded: reaped)
        guard completion.cookie == UInt64(reaped),
          byte == (driver.flow == .toDevice ? expected : ~expected)
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

/// Serves until it is told that all is done; answers how many entries were right. Reads the first
/// byte of what it may read, and inverts what it may write.
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
          let place = shared.offset(of: offer.address)
          let byte = UInt8(truncatingIfNeeded: count)
          if device.flow == .fromDevice {
            shared.file.setBytes([~byte], at: place)
          } else if shared.file.bytes(at: place, byteCount: 1) != [byte] {
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

/// The same mapping for both threads, so that a tool which looks for races sees one memory.
private final class Shared: @unchecked Sendable {
  let window: SharedWindow
  let file: SharedFile
  private let guestAddress: UInt64

  init(_ rig: WindowRig) {
    window = rig.window
    file = rig.memory.bytes
    guestAddress = rig.memory.region.guestAddress
  }

  func offset(of address: UInt64) -> Int { Int(address - guestAddress) }
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
