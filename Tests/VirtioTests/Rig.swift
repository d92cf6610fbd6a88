import LinuxSystem
import RingDriver
import SharedMemory
import Virtio

/// A driver, its memory as the device has it, and a log that outlives rings.
final class Rig {
  let memory: DriverMemory
  let driver: SplitDriver
  let guest: GuestMemory
  let features: FeatureBits
  let logFile: SharedFile
  let log: InflightLog

  init(_ count: Int = 8, features: FeatureBits = .splitRing, byteCount: Int = 1 << 20) throws {
    guard let size = QueueSize(count) else { throw Errno.invalid }
    self.features = features
    memory = try DriverMemory(byteCount: byteCount)
    driver = SplitDriver(size, in: memory, features: features)
    guest = try memory.mapped()
    let logged = InflightLog.byteCount(size)
    logFile = try SharedFile(
      mapping: try makeMemoryFile("log", byteCount: logged), byteCount: logged, writable: true)
    log = InflightLog(logFile.window(at: 0, byteCount: logged), size: size)
  }

  func ring(start: UInt16 = 0) throws(RingFault) -> SplitRing {
    try SplitRing(
      size: driver.size, at: driver.addresses, memory: guest, start: start, features: features)
  }

  func loggedRing() throws(RingFault) -> SplitRing {
    try SplitRing(
      size: driver.size, at: driver.addresses, memory: guest, start: 0, features: features,
      log: log)
  }

  /// Offers `count` chains of one writable buffer.
  func offer(_ count: Int) -> [UInt16] {
    let heads = (0..<count).compactMap { _ in driver.offer([memory.target(16)]) }
    driver.publish()
    return heads
  }

  /// Takes one chain and gives it up again: what `next` said, and how many segments it listed.
  func take() throws(RingFault) -> Int? {
    var ring = try ring()
    var segments = Segments()
    guard let loan = try ring.next(&segments) else { return nil }
    loan.forfeit()
    return segments.count
  }
}

/// What a device does at each of its steps, so that a test can end it between any two.
enum Step: CaseIterable { case next, settle, publish }

/// Serves chains in batches of `batch`, at most `steps` steps, then is gone without a farewell.
/// Answers how many steps it made.
func serve<R: Ring & ~Copyable>(
  _ ring: inout R, batch: Int = 1, steps: Int = .max
) throws(RingFault) -> Int {
  var segments = Segments()
  var made = 0
  var settled = 0
  while made < steps {
    guard let loan = try ring.next(&segments) else { break }
    made += 1
    guard made < steps else {
      loan.forfeit()
      return made
    }
    ring.settle(loan, written: UInt32(segments.writableBytes))
    made += 1
    settled += 1
    guard settled % batch == 0, made < steps else { continue }
    ring.publish()
    made += 1
  }
  if made < steps { ring.publish() }
  return made
}

/// There was no chain where a test needs one.
struct NothingOffered: Error {}

extension SplitRing {
  /// The next chain, which there must be.
  mutating func take(_ segments: inout Segments) throws -> Loan {
    guard let loan = try next(&segments) else { throw NothingOffered() }
    return loan
  }
}
