internal import Rings
internal import SharedMemory
internal import Virtio

/// A buffer or chain that the device gave back.
public struct QueueCompletion: Hashable, Sendable {
  /// As it was posted.
  public let cookie: UInt64
  /// How much the device wrote; never more than there was room for.
  public let written: UInt32

  /// A completion, as a driver of a ring tells it.
  public init(cookie: UInt64, written: UInt32) {
    self.cookie = cookie
    self.written = written
  }
}

/// The driver's half of a ring, whatever its layout. It rings no bells itself.
protocol QueueDriver: AnyObject {
  /// Descriptors of the ring.
  var capacity: Int { get }
  /// Descriptors that are free.
  var room: Int { get }

  /// Begins anew, empty, in its own window, which is formatted again.
  func restart(_ window: SharedWindow, _ features: FeatureBits) throws(BusError)

  /// Posts a chain; false when there is no room. Throws `.refused` for one that the layout cannot
  /// express.
  func post(_ chain: [Segment], cookie: UInt64) throws(BusError) -> Bool
  func post(_ segment: Segment, cookie: UInt64) throws(BusError) -> Bool

  /// Shows the device what was posted; true when it wants a bell for it.
  func publish() -> Bool
  func reap() throws(BusError) -> QueueCompletion?

  func disableNotifications()
  /// True when something can be reaped already.
  func enableNotifications() -> Bool
}
