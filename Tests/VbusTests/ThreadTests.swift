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
    let (file, base) = (rig.memory.file, rig.memory.region)
    let address = rig.memory.guestAddress(of: rig.offset)
    let byteCount = rig.byteCount
    let thread = try Thread {
      // A device of its own, with its own mapping.
      let memory = GuestMemory()
      try? memory.add(base, of: file)
      guard
        var ring = try? IoqRing(at: address, byteCount: byteCount, flow: flow, memory: memory)
      else { return }
      served.count = serve(&ring, memory, kick, call, isDone)
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
    _ driver: inout IoqDriver<SharedWindow>, _ rig: WindowRig, _ kick: EventDescriptor,
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

/// Serves until it is told that all is done; answers how many entries there were. Inverts the first
/// byte of what it may write.
private func serve(
  _ ring: inout IoqRing, _ memory: GuestMemory, _ kick: EventDescriptor, _ call: EventDescriptor,
  _ isDone: DoneFlag
) -> Int {
  var segments = Segments()
  var count = 0
  do {
    while true {
      repeat {
        ring.disableKicks()
        while let loan = try ring.next(&segments) {
          let segment = segments[0]
          if segment.isWritable {
            let bytes: [UInt8] = [~UInt8(truncatingIfNeeded: count)]
            try memory.copyIn(bytes.span, to: segment.address)
          }
          ring.settle(loan, written: 1)
          count += 1
          if count % 3 == 0 { ring.publish() }
        }
        ring.publish()
        if ring.shouldInterrupt() { call.ring() }
      } while ring.enableKicks()
      guard !isDone.isRaised else { return count }
      guard wait(on: kick.descriptor, milliseconds: 20000) else { return count }
      kick.clear()
    }
  } catch { return -1 }
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
