internal import Engine
internal import SharedMemory
internal import Vbus
internal import Virtio

/// Where a network card's frames go and where they come from.
///
/// Each way there is one function for each format of rings, for a protocol's generic function runs
/// unspecialised. A backend writes one generic function, which serves as both.
protocol NetBackend: AnyObject {
  /// The device is live.
  func begin(on host: any DeviceHost)
  /// A guest is there and takes frames with these features.
  func attach(_ acked: FeatureBits)
  /// A guest that a predecessor served goes on: what waits for it was not brought yet.
  func resume(_ acked: FeatureBits)
  /// The guest is gone.
  func detach()
  /// The link went up or down. While it is down nothing is transmitted, and what comes for the
  /// guest is dropped.
  func setLink(isUp: Bool)
  func transmit(
    _ transmitter: inout NetTransmitter, _ ring: inout SplitRing, _ memory: GuestMemory,
    budget: Int
  ) throws(RingFault) -> Progress
  func transmit(
    _ transmitter: inout NetTransmitter, _ ring: inout IoqRing, _ memory: GuestMemory,
    budget: Int
  ) throws(RingFault) -> Progress
  func receive(
    _ receiver: inout NetReceiver, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress
  func receive(
    _ receiver: inout NetReceiver, _ ring: inout IoqRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress
  /// The device is no longer live.
  func end()
}

extension NetBackend {
  /// Most drop nothing when a guest comes.
  func resume(_ acked: FeatureBits) { attach(acked) }
}

/// The numbers of a card's queues (VIRTIO 1.2 section 5.1.2), and of the one that only its own
/// interface has.
enum NetQueue {
  static let receive = 0
  static let transmit = 1
  static let control = 2
  static let count = 3
  static let events = 3
  static let nativeCount = 4
}
