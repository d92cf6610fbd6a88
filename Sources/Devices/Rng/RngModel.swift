package import Engine
package import LinuxSystem
package import SharedMemory
package import Vbus
package import Virtio

/// A source of random bytes (VIRTIO 1.2 section 5.4): one queue of buffers to fill.
package final class RngModel: DeviceModel {
  package let features = FeatureBits.splitRing.rawValue
  package let queueCount = 1
  package let configuration: [UInt8] = []

  private var source: RngSource
  private unowned var host: (any DeviceHost)?
  /// Set while the rate is used up.
  private var pause: EventLoop.Token?

  package init(_ setup: DeviceSetup) throws(ModelRefusal) {
    guard let counters = RngCounters(setup.counters) else {
      throw ModelRefusal(.invalid, "the device came without its counters")
    }
    source = RngSource(
      counters: counters,
      bucket: TokenBucket(rate: try Self.rate(setup.values), at: monotonicNanoseconds()))
  }

  private static func rate(_ values: [String: String]) throws(ModelRefusal) -> UInt64 {
    guard let rate = UInt64(values[rngRateKey] ?? "0") else {
      throw ModelRefusal(.invalid, "the device's \(rngRateKey) makes no sense")
    }
    return rate
  }

  package func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool { false }
  package func negotiated(_ features: UInt64) {}
  package func reset() {}

  package func begin(on host: any DeviceHost) { self.host = host }

  package func update(
    _ values: [String: String], _ descriptors: [Descriptor]
  ) throws(ModelRefusal) {
    source.bucket.setRate(try Self.rate(values), at: monotonicNanoseconds())
    resume()
  }

  package func end() {
    if let pause { host?.remove(pause) }
    pause = nil
    host = nil
  }

  package func flow(ofQueue index: Int) -> Flow? { index == 0 ? .fromDevice : nil }

  package func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress { try serve(&ring, memory, budget: budget) }

  package func serve(
    queue index: Int, _ ring: inout IoqRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress { try serve(&ring, memory, budget: budget) }

  private func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    // A rate that is used up is waited for, however often the driver kicks.
    guard pause == nil else { return .idle }
    let progress = try source.serve(&ring, memory, budget: budget)
    guard progress == .idle else { return progress }
    pause = host?.after(milliseconds: source.wait) { [unowned self] in self.resume() }
    return .idle
  }

  private func resume() {
    if let pause { host?.remove(pause) }
    pause = nil
    host?.wake(queue: 0)
  }
}

/// Where the values have the rate.
let rngRateKey = "limits/bytes_per_second"
