internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// A UNIX stream socket that carries frames, each behind its length in four bytes, as QEMU's
/// stream netdev and passt do.
final class StreamBackend: NetBackend {
  private let socket: Descriptor
  private var sink: StreamSink
  private unowned var host: (any DeviceHost)?
  private var token: EventLoop.Token?
  private var acked: FeatureBits?
  private var isUp: Bool
  private var isGone = false
  private var source: StreamSource

  init(_ socket: Descriptor, isUp: Bool) {
    self.socket = socket
    self.isUp = isUp
    sink = StreamSink(socket.number)
    source = StreamSource(socket.number)
  }

  func begin(on host: any DeviceHost) {
    self.host = host
    do throws(Errno) {
      token = try host.watch(socket, for: [.readable, .writable, .edge]) { [unowned self] in
        self.isReady($0)
      }
    } catch { fail("the stream cannot be waited for: \(error.text)") }
  }

  func end() {
    if let token { host?.remove(token) }
    token = nil
    host = nil
  }

  private func isReady(_ readiness: Readiness) {
    if readiness.contains(.writable), sink.isHolding { host?.wake(queue: NetQueue.transmit) }
    if acked == nil, !readiness.isDisjoint(with: [.hungUp, .failed]) {
      return fail("the stream's other end has closed it")
    }
    if readiness.contains(.readable) { host?.wake(queue: NetQueue.receive) }
  }

  private func fail(_ sentence: String) {
    guard !isGone else { return }
    isGone = true
    if let token { host?.remove(token) }
    token = nil
    // Where frames begin is not known any more, and the other end shall know. What it never took
    // would wait for room for ever; now it is dropped.
    disconnect(socket)
    host?.hostFailed(sentence)
    host?.wake(queue: NetQueue.transmit)
  }

  func attach(_ acked: FeatureBits) {
    self.acked = acked
    source.open()
  }

  func detach() { acked = nil }

  func setLink(isUp: Bool) {
    self.isUp = isUp
    // What waits on either side is dropped now and not seen later.
    host?.wake(queue: NetQueue.receive)
    host?.wake(queue: NetQueue.transmit)
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
    if let end = source.end { fail(end.sentence) }
    return progress
  }
}
