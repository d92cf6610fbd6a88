import LinuxSystem
import SharedMemory
import Testing
import Vbus
import TestSupport

@Suite("An ioq that breaks a rule is refused")
struct IoqHostileTests {
  @Test("Another magic number, version or count", arguments: [0, 4, 48])
  func header(_ field: Int) throws {
    let rig = try WindowRig(2)
    _ = try rig.driver()
    rig.memory.bytes.setBytes([9, 9], at: rig.offset + field)
    let expected: [Int: RingFault] = [
      0: .wrongMagic(0x47fa_0909), 4: .wrongVersion(0x0909),
      48: .wrongShape(count: 0x0909, byteCount: 120),
    ]
    #expect(rig.faultOfAttaching() == expected[field])
  }

  @Test("A length that is not exactly the ring's", arguments: [24, 56, 112, 128])
  func length(_ byteCount: Int) throws {
    let rig = try WindowRig(2)
    _ = try rig.driver()
    let count: UInt32 = byteCount < 56 ? 0 : 2
    #expect(
      rig.faultOfAttaching(byteCount: byteCount)
        == .wrongShape(count: count, byteCount: byteCount))
  }

  @Test("A signal without its magic number")
  func signal() throws {
    let rig = try WindowRig(2)
    _ = try rig.driver()
    rig.memory.bytes.setBytes([0], at: rig.offset + IoqLayout.signal)
    #expect(rig.faultOfAttaching() == .wrongMagic(0x58fa_3900))
  }

  @Test("An index outside of the ring", arguments: [24, 28, 36, 40])
  func index(_ field: Int) throws {
    let rig = try WindowRig(2)
    _ = try rig.driver()
    rig.memory.bytes.setBytes([2], at: rig.offset + field)
    #expect(rig.faultOfAttaching() == .noSuchIndex(2))
  }

  @Test("Memory that the guest does not have")
  func outside() throws {
    let rig = try WindowRig(2)
    #expect(throws: RingFault.misplaced(.ioq, .outside(address: 8, byteCount: 120))) {
      _ = try IoqRing(at: GuestAddress(8), byteCount: 120, flow: .toDevice, memory: rig.guest)
    }
  }

  @Test("An owner that is neither side")
  func owner() throws {
    #expect(throws: RingFault.neitherYesNorNo(2)) {
      try takeAfterWriting([1, 2], at: IoqLayout.isValid)
    }
  }

  @Test("A valid byte that is neither yes nor no")
  func valid() throws {
    #expect(throws: RingFault.neitherYesNorNo(3)) {
      try takeAfterWriting([3], at: IoqLayout.isValid)
    }
  }

  @Test("An entry without a buffer")
  func empty() throws {
    #expect(throws: RingFault.offeredEmpty(1)) {
      try takeAfterWriting([0], at: IoqLayout.isValid)
    }
  }

  @Test("A buffer of more than 4 GiB")
  func tooLong() throws {
    #expect(throws: RingFault.chainTooLong) {
      try takeAfterWriting([1], at: IoqLayout.length + 4)
    }
  }

  /// Takes one good entry, then a second one with bytes written over its descriptor.
  private func takeAfterWriting(_ bytes: [UInt8], at field: Int) throws {
    let rig = try WindowRig(3)
    var driver = try rig.driver()
    _ = driver.post(cookie: 0, address: 0, byteCount: 8)
    _ = driver.post(cookie: 1, address: 0, byteCount: 8)
    _ = driver.publish()
    rig.memory.bytes.setBytes(bytes, at: rig.offset + IoqLayout.descriptor(1) + field)
    var device = try rig.device()
    _ = try device.take()
    _ = try device.take()
  }

  @Test("The driver refuses a device that wrote more than there is room for")
  func overfilled() throws {
    let rig = try WindowRig(1)
    var driver = try rig.driver(.fromDevice)
    _ = driver.post(cookie: 0, address: 0, byteCount: 8)
    _ = driver.publish()
    var device = try rig.device(.fromDevice)
    let offer = try #require(try device.take())
    device.settle(offer.slot, written: 9)
    device.publish()
    var fault: RingFault?
    do throws(RingFault) { _ = try driver.reap() } catch { fault = error }
    #expect(fault == .overfilled(0))
  }

  @Test("Random bytes of each seed are served or refused", arguments: 0..<64)
  func random(_ seed: UInt64) throws {
    let rig = try WindowRig(5)
    var random = Dice(seed)
    for _ in 0..<200 {
      _ = try rig.driver()
      Self.entry(random.bytes(rig.byteCount), on: rig)
    }
    #expect(!rig.guest.isTorn)
  }

  /// A fuzz entry: the bytes become the ring, but for most of what it is known by.
  static func entry(_ bytes: [UInt8], on rig: WindowRig) {
    for (offset, byte) in bytes.enumerated() where offset >= 16 && offset < 24 {
      rig.memory.bytes.setBytes([byte], at: rig.offset + offset)
    }
    for slot in 0..<5 {
      let place = IoqLayout.descriptor(UInt16(slot))
      rig.memory.bytes.setBytes(
        Array(bytes[place..<(place + 18)]), at: rig.offset + place)
      // Mostly flags that mean something.
      let flags = bytes[place + 24] > 250 ? bytes[place + 25] : bytes[place + 25] & 1
      rig.memory.bytes.setBytes([bytes[place + 24] & 1, flags], at: rig.offset + place + 24)
    }
    rig.memory.bytes.setBytes([bytes[36] % 6], at: rig.offset + 36)
    try? serve(rig, Int(bytes[0] & 3))
  }

  private static func serve(_ rig: WindowRig, _ backwards: Int) throws {
    var ring = try rig.ring(backwards & 1 == 0 ? .toDevice : .fromDevice)
    var segments = Segments()
    var loans = LoanList(capacity: 4)
    for _ in 0..<32 {
      guard !loans.isFull, let loan = try ring.next(&segments) else { break }
      loans.append(loan, written: .max)
    }
    if backwards & 2 != 0 { loans.putBack(into: &ring) } else { loans.settle(in: &ring) }
    ring.publish()
    _ = ring.shouldInterrupt()
    _ = ring.enableKicks()
  }
}
