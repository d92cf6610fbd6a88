internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// A tap of the host, which takes and brings frames with the header that the guest uses.
///
/// What the guest sends goes from its memory to the kernel at once; what comes for it is read and
/// then copied to its buffers, for only then is it known how many it takes.
final class TapBackend: NetBackend {
  private let tap: Descriptor
  private var sink: TapSink
  private unowned var host: (any DeviceHost)?
  private var token: EventLoop.Token?
  private var isUp: Bool
  private var isGone = false
  private var source: TapSource

  init(_ tap: Descriptor, isUp: Bool) {
    self.tap = tap
    self.isUp = isUp
    sink = TapSink(tap.number)
    source = TapSource(tap.number)
  }

  func begin(on host: any DeviceHost) {
    self.host = host
    // Edge-triggered: a turn reads until nothing is left, and a tap whose guest has no buffers
    // must not wake anybody.
    do throws(Errno) {
      token = try host.watch(tap, for: [.readable, .edge]) { [unowned self] in self.isReady($0) }
    } catch { fail("the tap cannot be waited for: \(error.text)") }
  }

  func end() {
    if let token { host?.remove(token) }
    token = nil
    host = nil
  }

  private func isReady(_ readiness: Readiness) {
    guard !readiness.contains(.failed) else { return fail(Self.gone) }
    host?.wake(queue: NetQueue.receive)
  }

  private func fail(_ sentence: String) {
    guard !isGone else { return }
    isGone = true
    if let token { host?.remove(token) }
    token = nil
    host?.hostFailed(sentence)
  }

  func attach(_ acked: FeatureBits) {
    setOffloads(acked)
    source.open()
    source.dropStale()
  }

  func resume(_ acked: FeatureBits) {
    setOffloads(acked)
    source.open()
  }

  func detach() {
    setOffloads([])
    source.close()
  }

  func setLink(isUp: Bool) {
    self.isUp = isUp
    // So that what waits is dropped now and not seen later.
    host?.wake(queue: NetQueue.receive)
  }

  private func setOffloads(_ acked: FeatureBits) {
    var offloads: TapOffloads = []
    if acked.contains(.netGuestChecksum) {
      offloads.insert(.checksum)
      if acked.contains(.netGuestTSO4) { offloads.insert(.tso4) }
      if acked.contains(.netGuestTSO6) { offloads.insert(.tso6) }
      if acked.contains(.netGuestECN) { offloads.insert(.ecn) }
    }
    do throws(Errno) { try LinuxSystem.setOffloads(offloads, of: tap) } catch {
      fail("the tap does not take its offloads: \(error.text)")
    }
  }

  func transmit<R: Ring & ~Copyable>(
    _ transmitter: inout NetTransmitter, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    try transmitter.serve(&ring, memory, budget: budget, to: &sink)
  }

  func receive<R: Ring & ~Copyable>(
    _ receiver: inout NetReceiver, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    guard !isGone else { return .idle }
    let progress = try source.serve(&receiver, &ring, memory, budget: budget, isUp: isUp)
    if source.isGone { fail(Self.gone) }
    return progress
  }

  private static let gone = "the tap interface is gone"
}
