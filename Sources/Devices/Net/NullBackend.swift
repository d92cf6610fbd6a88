internal import Engine
internal import SharedMemory
internal import Virtio

/// Takes every frame and brings none.
final class NullBackend: NetBackend {
  private var sink = EmptySink()

  func begin(on host: any DeviceHost) {}
  func attach(_ acked: FeatureBits) {}
  func detach() {}
  func setLink(isUp: Bool) {}
  func end() {}

  func transmit<R: Ring & ~Copyable>(
    _ transmitter: inout NetTransmitter, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    try transmitter.serve(&ring, memory, budget: budget, to: &sink)
  }

  func receive<R: Ring & ~Copyable>(
    _ receiver: inout NetReceiver, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) -> Progress { .idle }
}
