import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A successor takes a ring over at any moment: each chain is used exactly once")
struct ResumeTests {
  @Test("The device dies after any step of serving five chains", arguments: 0...16)
  func afterStep(_ steps: Int) throws {
    let rig = try Rig(8)
    let heads = rig.offer(5)
    var first = try rig.loggedRing()
    _ = try serve(&first, batch: 2, steps: steps)
    var second = try rig.loggedRing()
    _ = try serve(&second, batch: 2)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("The device dies again and again", arguments: [3, 4, 5, 7, 11])
  func again(_ steps: Int) throws {
    let rig = try Rig(16)
    let heads = rig.offer(12)
    for _ in 0..<40 {
      var ring = try rig.loggedRing()
      _ = try serve(&ring, steps: steps)
    }
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("Chains offered after the death are taken once, after those in flight")
  func offeredMeanwhile() throws {
    let rig = try Rig(8)
    let before = rig.offer(3)
    var first = try rig.loggedRing()
    _ = try serve(&first, steps: 5)
    let after = rig.offer(2)
    var second = try rig.loggedRing()
    _ = try serve(&second)
    #expect(try rig.driver.reapAll().map(\.head) == before + after)
  }

  @Test("Death after the used index rose and before any mark was taken from the log")
  func betweenIndexAndMarks() throws {
    let rig = try Rig(8)
    let heads = rig.offer(4)
    var first = try rig.loggedRing()
    _ = try serve(&first, batch: 4, steps: 8)
    let before = rig.logBytes
    first.publish()
    rig.logFile.setBytes(before, at: 0)
    var second = try rig.loggedRing()
    let backlogCountOfsecond = second.backlogCount
    #expect(backlogCountOfsecond == 0)
    let steps = try serve(&second)
    #expect(steps == 0)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("Death after some marks were taken and before the log's used index rose")
  func betweenMarks() throws {
    let rig = try Rig(8)
    let heads = rig.offer(4)
    var first = try rig.loggedRing()
    _ = try serve(&first, batch: 4, steps: 8)
    var log = rig.logBytes
    first.publish()
    log[16 + 16 * Int(heads[3])] = 0
    log[16 + 16 * Int(heads[2])] = 0
    rig.logFile.setBytes(log, at: 0)
    var second = try rig.loggedRing()
    let steps = try serve(&second)
    #expect(steps == 0)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("Chains in flight are handed out again in the order in which they were taken")
  func keepsOrder() throws {
    let rig = try Rig(8)
    _ = rig.offer(8)
    var first = try rig.loggedRing()
    _ = try serve(&first)
    _ = try rig.driver.reapAll()
    let heads = rig.offer(6)
    var second = try rig.loggedRing()
    var segments = Segments()
    for _ in 0..<6 { try second.next(&segments)?.forfeit() }
    var third = try rig.loggedRing()
    let backlogCountOfthird = third.backlogCount
    #expect(backlogCountOfthird == 6)
    _ = try serve(&third)
    #expect(try rig.driver.reapAll().map(\.head) == heads)
  }

  @Test("The log has the layout of vhost-user's QueueRegionSplit")
  func layout() throws {
    let rig = try Rig(4)
    let heads = rig.offer(3)
    var ring = try rig.loggedRing()
    var segments = Segments()
    let loan = try ring.take(&segments)
    ring.settle(loan, written: 0)
    ring.publish()
    try ring.next(&segments)?.forfeit()
    let header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, UInt8(heads[0]), 0, 1, 0]
    #expect(Array(rig.logBytes[0..<16]) == header)
    let state = rig.logBytes[(16 + 16 * Int(heads[1]))...].prefix(16)
    #expect(Array(state) == [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    #expect(rig.logBytes.count == 16 + 16 * 4)
  }

  @Test("A successor owes the driver an interrupt even when nothing is left to do")
  func owesInterrupt() throws {
    let rig = try Rig(8)
    _ = rig.offer(1)
    var first = try rig.loggedRing()
    _ = try serve(&first)
    var second = try rig.loggedRing()
    let wanted1 = second.shouldInterrupt()
    #expect(wanted1)
  }

  @Test("A cleared log starts anew at the index that is given")
  func cleared() throws {
    let rig = try Rig(8)
    _ = rig.offer(2)
    var first = try rig.loggedRing()
    _ = try serve(&first, steps: 1)
    rig.log.clear()
    let second = try rig.loggedRing()
    let backlogCountOfsecond = second.backlogCount
    #expect(backlogCountOfsecond == 0)
    let takenOfsecond = second.taken
    #expect(takenOfsecond == 0)
  }

  @Test("A log for a queue of another size is refused")
  func otherSize() throws {
    let rig = try Rig(8)
    _ = try rig.loggedRing()
    rig.logFile.window(at: 0, byteCount: 16).storeRelaxed(UInt16(4), at: 10)
    #expect(throws: RingFault.logDisagrees) { _ = try rig.loggedRing() }
  }

  @Test("A log of an unknown version is refused")
  func otherVersion() throws {
    let rig = try Rig(8)
    _ = try rig.loggedRing()
    rig.logFile.window(at: 0, byteCount: 16).storeRelaxed(UInt16(2), at: 8)
    #expect(throws: RingFault.logDisagrees) { _ = try rig.loggedRing() }
  }

  @Test("A used index that ran away from the log is refused")
  func usedIndexRanAway() throws {
    let rig = try Rig(8)
    _ = try rig.loggedRing()
    rig.driver.used.storeRelaxed(UInt16(9), at: SplitLayout.index)
    #expect(throws: RingFault.logDisagrees) { _ = try rig.loggedRing() }
  }

  @Test("A batch list that leads outside of the log is refused")
  func brokenList() throws {
    let rig = try Rig(8)
    _ = try rig.loggedRing()
    rig.logFile.window(at: 0, byteCount: 16).storeRelaxed(UInt16(8), at: 12)
    rig.driver.used.storeRelaxed(UInt16(1), at: SplitLayout.index)
    #expect(throws: RingFault.logDisagrees) { _ = try rig.loggedRing() }
  }
}

extension Rig {
  var logBytes: [UInt8] { logFile.bytes(at: 0, byteCount: logFile.byteCount) }
}
