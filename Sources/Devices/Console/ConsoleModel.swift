package import Engine
package import LinuxSystem
package import SharedMemory
package import Vbus
package import Virtio

/// A console's data half (VIRTIO 1.2 section 5.3): port 0, without MULTIPORT.
///
/// What the guest has printed and nobody has taken yet is lost when the engine ends.
package final class ConsoleModel: DeviceModel {
  package let features = FeatureBits([.splitRing, .consoleSize]).rawValue
  package let queueCount = 2
  package private(set) var configuration: [UInt8]

  private let descriptor: Descriptor
  private let isFile: Bool
  private var transmitter: ConsoleTransmitter
  private var receiver: ConsoleReceiver
  private unowned var host: (any DeviceHost)?
  private var watch: EventLoop.Token?
  /// What the watch waits for.
  private var interest: Readiness = []
  private var wantsInput = false
  private var isLost = false

  private static let receiveQueue = 0
  private static let transmitQueue = 1

  package init(_ setup: DeviceSetup) throws(ModelRefusal) {
    guard let counters = ConsoleCounters(setup.counters) else {
      throw ModelRefusal(.invalid, "the console came without its counters")
    }
    guard let descriptor = setup.descriptors.first else {
      throw ModelRefusal(.invalid, "the console came without its host side")
    }
    self.descriptor = descriptor
    isFile = setup.values["backend"] == "file"
    configuration = try Self.configuration(setup.values)
    transmitter = ConsoleTransmitter(counters)
    receiver = ConsoleReceiver(counters, isOver: isFile)
  }

  /// `virtio_console_config` (5.3.4): cols, rows, max_nr_ports, emerg_wr.
  private static func configuration(_ values: [String: String]) throws(ModelRefusal) -> [UInt8] {
    guard let columns = UInt16(values["columns"] ?? "80"),
      let rows = UInt16(values["rows"] ?? "25")
    else { throw ModelRefusal(.invalid, "the console's columns and rows make no sense") }
    let sizes = [columns, rows].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    return sizes + [1, 0, 0, 0] + [0, 0, 0, 0]
  }

  package func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool { false }
  package func negotiated(_ features: UInt64) {}
  package func reset() {}

  package func update(
    _ values: [String: String], _ descriptors: [Descriptor]
  ) throws(ModelRefusal) {
    configuration = try Self.configuration(values)
  }

  // MARK: Queues

  package func flow(ofQueue index: Int) -> Flow? {
    switch index {
    case Self.receiveQueue: .fromDevice
    case Self.transmitQueue: .toDevice
    default: nil
    }
  }

  package func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress { try serveAny(index, &ring, memory, budget: budget) }

  package func serve(
    queue index: Int, _ ring: inout IoqRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress { try serveAny(index, &ring, memory, budget: budget) }

  private func serveAny<R: Ring & ~Copyable>(
    _ index: Int, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    guard index != Self.receiveQueue else {
      let progress = try receiver.serve(
        &ring, memory, budget: budget, from: descriptor.number)
      if progress == .idle { waitForInput() }
      return progress
    }
    defer { flush() }
    return try transmitter.serve(&ring, memory, budget: budget)
  }

  // MARK: The host's side

  package func begin(on host: any DeviceHost) {
    self.host = host
    // A file is always ready, and epoll takes none.
    guard !isFile else { return }
    do throws(Errno) {
      watch = try host.watch(descriptor, for: interest) { [unowned self] in self.hear($0) }
    } catch { lose("the console's host side cannot be watched: \(error.sentence)") }
  }

  package func end() {
    if let watch { host?.remove(watch) }
    watch = nil
    host = nil
  }

  private func hear(_ readiness: Readiness) {
    guard readiness.isDisjoint(with: [.hungUp, .failed]) else {
      return lose("the other end of the console's host side is gone")
    }
    if readiness.contains(.readable) {
      // Silent until the guest has taken it, however long that takes.
      wantsInput = false
      host?.wake(queue: Self.receiveQueue)
    }
    if readiness.contains(.writable) { return flush() }
    updateInterest()
  }

  private func waitForInput() {
    wantsInput = !receiver.isOver
    updateInterest()
  }

  private func flush() {
    guard !isLost else { return transmitter.drop() }
    do throws(Errno) { try transmitter.flush(to: descriptor.number) } catch {
      if error != .again, error != .interrupted {
        transmitter.drop()
        if !isFile { return lose("the console's output cannot be written: \(error.sentence)") }
      }
    }
    updateInterest()
  }

  private func updateInterest() {
    guard let watch else { return }
    var wanted: Readiness = wantsInput ? .readable : []
    if !transmitter.isEmpty { wanted.insert(.writable) }
    guard wanted != interest else { return }
    interest = wanted
    host?.rewatch(watch, for: wanted)
  }

  /// The guest goes on, and nobody sees what it prints.
  private func lose(_ sentence: String) {
    guard !isLost else { return }
    isLost = true
    if let watch { host?.remove(watch) }
    watch = nil
    transmitter.drop()
    host?.hostFailed(sentence)
  }
}

extension FeatureBits {
  /// VIRTIO_CONSOLE_F_SIZE (VIRTIO 1.2 section 5.3.3).
  package static let consoleSize = FeatureBits(bit: 0)
}
