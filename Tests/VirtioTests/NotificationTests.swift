import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("Interrupts and kicks are suppressed as VIRTIO 1.2 sections 2.7.7 and 2.7.10 say")
struct NotificationTests {
  @Test("2.7.7.2: a used chain interrupts when flags are 0")
  func interrupts() throws {
    let rig = try Rig(8, features: [.version1])
    _ = rig.offer(1)
    var ring = try rig.ring()
    _ = try serve(&ring)
    let wanted1 = ring.shouldInterrupt()
    #expect(wanted1)
  }

  @Test("2.7.7.2: flags 1 ask for no interrupt")
  func noInterrupt() throws {
    let rig = try Rig(8, features: [.version1])
    rig.driver.disableInterrupts()
    _ = rig.offer(1)
    var ring = try rig.ring()
    _ = try serve(&ring)
    let wanted2 = ring.shouldInterrupt()
    #expect(!wanted2)
  }

  @Test("Nothing used, nothing to interrupt for")
  func nothingUsed() throws {
    let rig = try Rig(8)
    var ring = try rig.ring()
    let wanted3 = ring.shouldInterrupt()
    #expect(!wanted3)
  }

  @Test("One batch interrupts once")
  func once() throws {
    let rig = try Rig(8)
    _ = rig.offer(3)
    var ring = try rig.ring()
    _ = try serve(&ring)
    let wanted4 = ring.shouldInterrupt()
    #expect(wanted4)
    let wanted5 = ring.shouldInterrupt()
    #expect(!wanted5)
  }

  @Test("2.7.7.2: with EVENT_IDX the chain that reaches used_event interrupts, none before")
  func usedEvent() throws {
    let rig = try Rig(8)
    _ = rig.driver.enableInterrupts(after: 3)
    var ring = try rig.ring()
    _ = rig.offer(2)
    _ = try serve(&ring)
    let wanted6 = ring.shouldInterrupt()
    #expect(!wanted6)
    _ = rig.offer(1)
    _ = try serve(&ring)
    let wanted7 = ring.shouldInterrupt()
    #expect(wanted7)
  }

  @Test("2.7.7.2: with EVENT_IDX the flags are ignored")
  func flagsIgnored() throws {
    let rig = try Rig(8)
    rig.driver.available.storeRelaxed(SplitLayout.unwanted, at: SplitLayout.flags)
    _ = rig.offer(1)
    var ring = try rig.ring()
    _ = try serve(&ring)
    let wanted8 = ring.shouldInterrupt()
    #expect(wanted8)
  }

  @Test("2.7.10: with EVENT_IDX the driver kicks at avail_event only")
  func availableEvent() throws {
    let rig = try Rig(8)
    var ring = try rig.ring()
    let more9 = ring.enableKicks()
    #expect(!more9)
    _ = rig.driver.offer([rig.memory.target(1)])
    #expect(rig.driver.publish())
    _ = rig.driver.offer([rig.memory.target(1)])
    #expect(!rig.driver.publish())
  }

  @Test("2.7.10: without EVENT_IDX NO_NOTIFY keeps the driver from kicking")
  func noNotify() throws {
    let rig = try Rig(8, features: [.version1])
    var ring = try rig.ring()
    ring.disableKicks()
    _ = rig.driver.offer([rig.memory.target(1)])
    #expect(!rig.driver.publish())
    let more10 = ring.enableKicks()
    #expect(more10)
    _ = rig.driver.offer([rig.memory.target(1)])
    #expect(rig.driver.publish())
  }

  @Test("A chain that came before kicks were on again is noticed")
  func noLostKick() throws {
    let rig = try Rig(8)
    var ring = try rig.ring()
    _ = try serve(&ring)
    _ = rig.offer(1)
    let more11 = ring.enableKicks()
    #expect(more11)
  }

  @Test(
    "Chains that were put back are no news; the next one is",
    arguments: [[.version1], .splitRing] as [FeatureBits])
  func putBack(_ features: FeatureBits) throws {
    let rig = try Rig(8, features: features)
    _ = rig.offer(2)
    var ring = try rig.ring()
    var segments = Segments()
    var loans = LoanList(capacity: 2)
    loans.append(try ring.take(&segments), written: 0)
    loans.append(try ring.take(&segments), written: 0)
    loans.putBack(into: &ring)
    let isNews = ring.enableKicks()
    #expect(!isNews)
    _ = rig.driver.offer([rig.memory.target(1)])
    #expect(rig.driver.publish())
    let isNewsNow = ring.enableKicks()
    #expect(isNewsNow)
  }

  @Test("A ring that goes on where another stopped owes the driver an interrupt")
  func owes() throws {
    let rig = try Rig(8)
    _ = rig.offer(1)
    var first = try rig.ring()
    _ = try serve(&first)
    var second = try rig.ring(start: 1)
    let wanted12 = second.shouldInterrupt()
    #expect(wanted12)
    let wanted13 = second.shouldInterrupt()
    #expect(!wanted13)
  }

  @Test(
    "An event is passed exactly when the index steps over it",
    arguments: [
      (0, 0, 1, true), (1, 0, 1, false), (5, 3, 8, true), (8, 3, 8, false), (2, 3, 8, false),
      (0xffff, 0xfffe, 1, true), (0, 0xfffe, 1, true), (1, 0xfffe, 1, false), (4, 4, 4, false),
    ] as [(UInt16, UInt16, UInt16, Bool)])
  func passes(_ event: UInt16, _ old: UInt16, _ new: UInt16, _ expected: Bool) {
    #expect(SplitRing.passes(event, from: old, to: new) == expected)
  }
}
