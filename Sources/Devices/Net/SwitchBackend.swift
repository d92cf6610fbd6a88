internal import Engine
internal import SharedMemory
internal import Virtio

/// The Ethernet segment that the `switch` devices of a container share.
final class SharedSwitch {
  var fabric: SwitchFabric
  /// What to do when a port's queue got frames, or lost some; by port.
  private var wakers: [(() -> Void)?] = []

  init(isLoop: Bool = false) { fabric = SwitchFabric(isLoop: isLoop) }

  func join(_ address: UInt64?, onFrames waker: @escaping () -> Void) -> Int {
    let port = fabric.join(address)
    if port == wakers.count { wakers.append(waker) } else { wakers[port] = waker }
    return port
  }

  func leave(_ port: Int) {
    fabric.leave(port)
    wakers[port] = nil
  }

  /// Tells the ports that got something.
  func wakeReceivers() {
    while let port = fabric.nextNoted() { wakers[port]?() }
  }
}

/// A port of the container's switch, or of one that leads back to its only port: `loopback`.
final class SwitchBackend: NetBackend {
  private let address: UInt64
  private let counters: NetCounters
  private let isLoop: Bool
  private var common: SharedSwitch?
  private var port = 0
  private var acked: FeatureBits?
  private var isUp: Bool
  private unowned var host: (any DeviceHost)?

  init(address: UInt64, isLoop: Bool, isUp: Bool, counters: NetCounters) {
    self.address = address
    self.isLoop = isLoop
    self.isUp = isUp
    self.counters = counters
  }

  func begin(on host: any DeviceHost) {
    self.host = host
    let common =
      isLoop
      ? SharedSwitch(isLoop: true) : host.shared("net.switch") { SharedSwitch() }
    port = common.join(address) { [unowned self] in self.hasFrames() }
    self.common = common
  }

  func end() {
    common?.leave(port)
    common = nil
    host = nil
  }

  func attach(_ acked: FeatureBits) {
    self.acked = acked
    update()
  }

  func detach() {
    acked = nil
    update()
  }

  func setLink(isUp: Bool) {
    self.isUp = isUp
    update()
  }

  private func update() {
    if isUp, let acked { common?.fabric.open(port, acked) } else { common?.fabric.close(port) }
  }

  private func hasFrames() {
    guard let common else { return }
    counters.add(common.fabric.takeDropped(port), to: .rxDropped)
    host?.wake(queue: NetQueue.receive)
  }

  func transmit<R: Ring & ~Copyable>(
    _ transmitter: inout NetTransmitter, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    guard let common else { return .idle }
    defer { common.wakeReceivers() }
    common.fabric.begin(from: port)
    return try transmitter.serve(&ring, memory, budget: budget, to: &common.fabric)
  }

  func receive<R: Ring & ~Copyable>(
    _ receiver: inout NetReceiver, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    guard let common else { return .idle }
    return try receiver.serve(&common.fabric.ports[port].inbox, &ring, memory, budget: budget)
  }
}
