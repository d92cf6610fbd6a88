import SharedMemory
import Testing
import Vbus

@Suite("A device that died is followed by another one")
struct IoqResumeTests {
  /// Five entries on a ring of five; the first device settles and publishes some, and is gone.
  private func lent(_ flow: Flow = .toDevice) throws -> (WindowRig, IoqPair) {
    let rig = try WindowRig(5)
    let pair = try IoqPair(rig, flow)
    for cookie in 0..<5 { pair.post(UInt64(cookie)) }
    return (rig, pair)
  }

  @Test("What was taken and not settled is handed out again")
  func taken() throws {
    let (rig, pair) = try lent()
    try pair.take(3)
    #expect(try rig.slotsTaken() == [0, 1, 2, 3, 4])
  }

  @Test("What was settled and not published is given back and not handed out again")
  func settled() throws {
    let (rig, pair) = try lent()
    try pair.take(3)
    pair.settle([0, 1])
    #expect(try rig.slotsTaken() == [2, 3, 4])
  }

  @Test("What was published is not handed out again")
  func published() throws {
    let (rig, pair) = try lent()
    try pair.take(3)
    pair.settle([0, 1, 2])
    pair.publish()
    #expect(try rig.slotsTaken() == [3, 4])
  }

  @Test("An index that moved before the owners did is believed, and the owners follow")
  func halfPublished() throws {
    let (rig, pair) = try lent()
    try pair.take(3)
    pair.settle([0, 1, 2])
    let head = IoqLayout.Index.inUse + IoqLayout.Index.head
    rig.memory.bytes.setBytes([3], at: rig.offset + head)
    let slots = try rig.slotsTaken()
    let reaped = try pair.reapAll()
    #expect(slots == [3, 4])
    #expect(reaped == [0, 1, 2])
  }

  @Test("The first answer about a bell is yes")
  func owesBell() throws {
    let (rig, pair) = try lent()
    try pair.take(1)
    var device = try rig.device()
    let answers = [device.shouldNotify(), device.shouldNotify()]
    #expect(answers == [true, false])
  }
}

/// Both ends of a ring.
final class IoqPair {
  private var driver: IoqDriverRing
  private var device: IoqDevice<SharedWindow>

  init(_ rig: WindowRig, _ flow: Flow) throws {
    driver = try rig.driver(flow)
    device = try rig.device(flow)
  }

  func post(_ cookie: UInt64) {
    _ = driver.post(cookie: cookie, address: 0, byteCount: 8)
    _ = driver.publish()
  }

  func take(_ count: Int) throws { for _ in 0..<count { _ = try device.take() } }

  func settle(_ slots: [UInt16]) { for slot in slots { device.settle(slot, written: 0) } }

  func publish() { device.publish() }

  func reapAll() throws -> [UInt64] {
    var cookies: [UInt64] = []
    while let completion = try driver.reap() { cookies.append(completion.cookie) }
    return cookies
  }
}
