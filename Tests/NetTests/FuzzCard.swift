import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import TestSupport
import Virtio

/// A network card whose guest writes what it likes to descriptors, and whose engine may die.
final class FuzzCard {
  let memory: DriverMemory
  let guest: GuestMemory
  let drivers: [SplitDriver]
  let model: NetModel
  private let host: PlayedHost
  private let counterFile: SharedFile
  private let logFile: SharedFile
  private var acked: FeatureBits
  /// Chains of the receive queue that were offered since it began.
  private var offered: UInt16 = 0
  private var receiving: SplitRing?

  static let queueSize = 16
  /// Where the frames that are sent lie, and the buffers that are lent.
  static let source = 1 << 16
  static let target = 1 << 19

  init(_ values: [String: String], _ descriptors: [Descriptor], on host: PlayedHost) throws {
    self.host = host
    memory = try DriverMemory(byteCount: 1 << 20)
    guard let size = QueueSize(Self.queueSize) else { throw Errno.invalid }
    let memory = memory
    drivers = (0..<3).map { _ in SplitDriver(size, in: memory, features: .splitRing) }
    guest = try memory.mapped()
    let words = 8 * NetCounter.allCases.count
    counterFile = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: words), byteCount: words, writable: true)
    let logged = InflightLog.byteCount(size)
    logFile = try SharedFile(
      mapping: try makeMemoryFile("log", byteCount: logged), byteCount: logged, writable: true)
    model = try NetModel(
      DeviceSetup(
        values: values, descriptors: descriptors,
        counters: counterFile.window(at: 0, byteCount: words)))
    acked = FeatureBits(rawValue: model.features)
    model.begin(on: host)
    model.negotiated(acked.rawValue)
  }

  deinit { model.end() }

  /// The guest resets the device and takes some of its features.
  func reset(_ features: UInt64) {
    model.reset()
    acked = FeatureBits(rawValue: features & model.features)
    model.negotiated(acked.rawValue)
    resetReceiving()
  }

  func resetReceiving() {
    receiving = nil
    offered = 0
    log(drivers[0].size).clear()
    clear(drivers[0])
  }

  private func clear(_ driver: SplitDriver) {
    driver.available.storeRelaxed(UInt16(0), at: SplitLayout.index)
    driver.used.storeRelaxed(UInt16(0), at: SplitLayout.index)
  }

  private func log(_ size: QueueSize) -> InflightLog {
    InflightLog(
      logFile.window(at: 0, byteCount: InflightLog.byteCount(size)), size: size)
  }

  /// Serves one chain of a queue that begins anew; false when that stopped it.
  func serveAnew(_ queue: Int) -> Bool {
    let driver = drivers[queue]
    clear(driver)
    driver.offerRaw(head: 0)
    do {
      var ring = try SplitRing(
        size: driver.size, at: driver.addresses, memory: guest, start: 0, features: acked)
      defer { ring.publish() }
      _ = try model.serve(queue: queue, &ring, guest, budget: 4)
      return true
    } catch { return false }
  }

  func lend(head: UInt16) {
    drivers[0].offerRaw(head: head, at: offered)
    offered &+= 1
  }

  /// Serves the receive queue where it is. `dies`: the engine does before the guest sees anything,
  /// and another one takes over.
  func receive(dies: Bool) {
    let driver = drivers[0]
    do {
      var ring =
        try receiving.take()
        ?? SplitRing(
          size: driver.size, at: driver.addresses, memory: guest, start: 0, features: acked,
          log: log(driver.size))
      _ = try model.serve(queue: 0, &ring, guest, budget: 8)
      guard !dies else { return }
      ring.publish()
      receiving = consume ring
    } catch { resetReceiving() }
  }
}
