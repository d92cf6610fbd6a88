import SharedMemory
import Testing
import Vbus

@Suite("An ioq carries entries")
struct IoqTests {
  @Test("Entries come in order and go back in order", arguments: [Flow.toDevice, .fromDevice])
  func order(_ flow: Flow) throws {
    let rig = try WindowRig(3)
    var driver = try rig.driver(flow)
    var device = try rig.device(flow)
    var cookies: [UInt64] = []
    for round in 0..<10 {
      _ = driver.post(cookie: UInt64(round), address: 0, byteCount: 8)
      _ = driver.publish()
      let offer = try #require(try device.take())
      device.settle(offer.slot, written: 4)
      device.publish()
      cookies.append(try #require(try driver.reap()).cookie)
    }
    #expect(cookies == Array(0..<10))
  }

  @Test("What was settled early waits for what is older")
  func outOfOrder() throws {
    let rig = try WindowRig(3)
    var driver = try rig.driver()
    var device = try rig.device()
    for cookie in 0..<3 { _ = driver.post(cookie: UInt64(cookie), address: 0, byteCount: 8) }
    _ = driver.publish()
    let slots = [try device.take()?.slot, try device.take()?.slot, try device.take()?.slot]
    device.settle(2, written: 0)
    device.settle(1, written: 0)
    device.publish()
    let early = try driver.reap()
    device.settle(0, written: 0)
    device.publish()
    let late = [try driver.reap()?.slot, try driver.reap()?.slot, try driver.reap()?.slot]
    #expect(slots == [0, 1, 2])
    #expect(early == nil)
    #expect(late == [0, 1, 2])
  }

  @Test("What is put back is the next one again, and asks for no look")
  func putBack() throws {
    let rig = try WindowRig(2)
    var driver = try rig.driver()
    var device = try rig.device()
    _ = driver.post(cookie: 1, address: 0, byteCount: 8)
    _ = driver.publish()
    let first = try device.take()
    device.putBack()
    let isMore = device.enableNotifications()
    let second = try device.take()
    #expect(first == second)
    #expect(!isMore)
  }

  @Test("A full ring takes no more")
  func full() throws {
    let rig = try WindowRig(2)
    var driver = try rig.driver()
    let slots = (0..<3).map { driver.post(cookie: $0, address: 0, byteCount: 8) }
    #expect(slots == [0, 1, nil])
  }

  @Test("The driver hears of what was written")
  func written() throws {
    let rig = try WindowRig(2)
    var driver = try rig.driver(.fromDevice)
    _ = driver.post(cookie: 1, address: 0, byteCount: 8)
    _ = driver.publish()
    var device = try rig.device(.fromDevice)
    let offer = try #require(try device.take())
    device.settle(offer.slot, written: 5)
    device.publish()
    let completion = try driver.reap()
    #expect(completion?.written == 5)
  }

  @Test("Head and descriptor lie as in the facts")
  func layout() throws {
    let rig = try WindowRig(2)
    var driver = try rig.driver()
    _ = driver.post(cookie: 0x11, address: 0x22, byteCount: 0x33)
    _ = driver.publish()
    let header = rig.memory.bytes.bytes(at: rig.offset, byteCount: 56)
    let entry = rig.memory.bytes.bytes(at: rig.offset + 56, byteCount: 32)
    #expect(header[0..<8] == [0xe4, 0x2f, 0xfa, 0x47, 4, 0, 0, 0])
    #expect(header[24..<36] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    #expect(header[36..<48] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    #expect(header[48..<56] == [2, 0, 0, 0, 0, 0, 0, 0])
    #expect(
      entry == [
        0x11, 0, 0, 0, 0, 0, 0, 0, 0x22, 0, 0, 0, 0, 0, 0, 0,
        0x33, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test("The sizes are those of the facts", arguments: [1, 3, 2048])
  func sizes(_ count: Int) throws {
    let size = try #require(IoqSize(count))
    #expect(IoqLayout.byteCount(size) == 56 + 32 * count)
  }

  @Test("No ring is empty or longer than 2048", arguments: [-1, 0, 2049, 65536])
  func noSize(_ count: Int) {
    #expect(IoqSize(count) == nil)
  }

  @Test("A queue handler serves it as it serves any ring", arguments: [Flow.toDevice, .fromDevice])
  func asRing(_ flow: Flow) throws {
    let rig = try WindowRig(2)
    var driver = try rig.driver(flow)
    _ = driver.post(
      cookie: 1, address: rig.memory.guestAddress(of: 64).rawValue, byteCount: 8)
    _ = driver.publish()
    let served = try serve(rig.ring(flow))
    let reaped = try driver.reap()
    #expect(served == [flow == .fromDevice])
    #expect(reaped?.cookie == 1)
  }

  /// Serves all chains; answers whether each has one writable segment.
  private func serve<R: Ring & ~Copyable>(_ ring: consuming R) throws -> [Bool] {
    var segments = Segments()
    var found: [Bool] = []
    while let loan = try ring.next(&segments) {
      found.append(segments.count == 1 && segments[0].isWritable)
      ring.settle(loan, written: 8)
    }
    ring.publish()
    return found
  }
}
