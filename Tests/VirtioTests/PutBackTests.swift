import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("Chains that are put back")
struct PutBackTests {
  @Test("A chain that was put back is the next one again")
  func again() throws {
    let rig = try Rig(8)
    let heads = rig.offer(2)
    var ring = try rig.ring()
    var segments = Segments()
    let spare = try ring.take(&segments)
    ring.putBack(spare)
    let loan = try ring.take(&segments)
    #expect(loan.head == heads[0])
    ring.settle(loan, written: 1)
    ring.publish()
    #expect(try rig.driver.reapAll().map(\.head) == [heads[0]])
  }

  @Test("Several are put back in their order, and may then all be used")
  func several() throws {
    let rig = try Rig(8)
    let heads = rig.offer(8)
    var ring = try rig.loggedRing()
    var loans = LoanList(capacity: 8)
    var segments = Segments()
    for _ in 0..<8 {
      let loan = try ring.take(&segments)
      loans.append(loan, written: 0)
    }
    loans.putBack(into: &ring)
    _ = try serve(&ring, batch: 3)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("Chains of one list are used together, each with its own length")
  func settledTogether() throws {
    let rig = try Rig(8)
    let heads = rig.offer(3)
    var ring = try rig.ring()
    var loans = LoanList(capacity: 3)
    var segments = Segments()
    for length in 1...3 {
      let loan = try ring.take(&segments)
      loans.append(loan, written: UInt32(length))
    }
    loans.settle(in: &ring)
    ring.publish()
    let used = try rig.driver.reapAll()
    #expect(used.map(\.head) == heads)
    #expect(used.map(\.written) == [1, 2, 3])
  }

  @Test("The device dies with chains put back, taken and settled: each is used once")
  func successor() throws {
    let rig = try Rig(8)
    let heads = rig.offer(5)
    var first = try rig.loggedRing()
    var segments = Segments()
    let used = try first.take(&segments)
    first.settle(used, written: 16)
    first.publish()
    let second = try first.take(&segments)
    let spare = try first.take(&segments)
    first.putBack(spare)
    second.forfeit()
    var next = try rig.loggedRing()
    _ = try serve(&next)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("What a successor was handed out again can be put back, and is the next one again")
  func backlog() throws {
    let rig = try Rig(8)
    let heads = rig.offer(2)
    var first = try rig.loggedRing()
    var segments = Segments()
    let lost = try first.take(&segments)
    lost.forfeit()
    var next = try rig.loggedRing()
    let spare = try next.take(&segments)
    next.putBack(spare)
    let waiting = next.backlogCount
    #expect(waiting == 1)
    _ = try serve(&next)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("A backlog that nobody has a use for goes back with nothing written")
  func unused() throws {
    let rig = try Rig(8)
    let heads = rig.offer(3)
    var first = try rig.loggedRing()
    var segments = Segments()
    let lost = try first.take(&segments)
    lost.forfeit()
    var next = try rig.loggedRing()
    next.returnBacklog()
    let used = try rig.driver.reapAll()
    #expect(used.map(\.head) == [heads[0]])
    #expect(used.map(\.written) == [0])
    let taken = next.taken
    #expect(taken == 1)
  }
}
