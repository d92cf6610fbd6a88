public import LinuxSystem
public import Rings
internal import SharedMemory
public import Vbus
internal import VbusLink
public import Virtio

/// How a queue is to be laid out.
public struct QueueShape: Hashable, Sendable {
  /// The layout of its ring.
  public var format: RingFormat
  /// Entries. A virtqueue takes powers of two up to 32768, an ioq any number from 1 to 2048.
  public var size: Int
  /// Which way its buffers go, where they all go one way; an ioq needs one.
  public var flow: Flow?
  /// Of those that were negotiated, the ones that change a virtqueue.
  public var features: FeatureBits
  /// Of its signal's events; a higher one comes first.
  public var priority: UInt32 = 0
  /// Its signal is to have bells of its own, where the connector has any.
  public var wantsOwnBells = true

  /// A shape of a format that is known only when the program runs.
  public init(
    _ format: RingFormat, _ size: Int, flow: Flow? = nil, features: FeatureBits = .version1
  ) {
    self.format = format
    self.size = size
    self.flow = flow
    self.features = features
  }

  /// An ioq, whose buffers all go one way.
  public static func ioq(_ size: Int, _ flow: Flow) -> QueueShape {
    QueueShape(.ioq, size, flow: flow)
  }

  /// A virtqueue with the features that were negotiated.
  public static func virtqueue(
    _ size: Int, features: FeatureBits = .version1, flow: Flow? = nil
  ) -> QueueShape {
    QueueShape(.virtqueue, size, flow: flow, features: features)
  }
}

/// A queue of a device, of either layout, as its driver uses it: `post` buffers, `publish` them,
/// `reap` what the device is done with, `wait` when there is nothing to reap.
///
/// After anything but `.refused` the queue is of no use any more.
public final class ClientQueue {
  /// How it is laid out.
  public private(set) var shape: QueueShape
  /// The memory in which it lies, with its signal.
  public let share: ClientShare
  private let memory: ClientMemory
  private let place: ClientBuffer
  private let driver: any QueueDriver

  /// Makes a queue in memory of the client's and shares it with the device.
  init(
    _ shape: QueueShape, id: UInt32, of device: DeviceConnection, in memory: ClientMemory
  ) throws(BusError) {
    guard device.client.connector.capabilities.ringFormats.contains(shape.format) else {
      throw .refused(.notSupported)
    }
    let (byteCount, signal) = try Self.layout(shape)
    // Whole, so that nothing else lies in it.
    guard
      let place = memory.allocate(byteCount, alignment: VirtqueueLayout.alignment)
    else { throw .noRoom }
    do throws(BusError) {
      driver = try Self.driver(shape, memory.window(of: place))
      var wish = ShareWish(
        id: id, memory: memory.memory, offset: place.offset, byteCount: UInt32(byteCount),
        signalOffset: UInt32(signal))
      wish.flow = shape.flow
      wish.priority = shape.priority
      wish.wantsOwnBells = shape.wantsOwnBells
      share = try device.share(wish)
    } catch {
      memory.deallocate(place)
      throw error
    }
    self.shape = shape
    self.memory = memory
    self.place = place
  }

  private static func layout(
    _ shape: QueueShape
  ) throws(BusError) -> (byteCount: Int, signal: Int) {
    switch shape.format {
    case .ioq:
      guard let size = IoqSize(shape.size), shape.flow != nil else { throw .refused(.invalid) }
      return (IoqLayout.byteCount(size), IoqLayout.signal)
    case .virtqueue:
      guard let size = QueueSize(shape.size) else { throw .refused(.invalid) }
      return (VirtqueueLayout.byteCount(size), VirtqueueLayout.signal)
    }
  }

  private static func driver(
    _ shape: QueueShape, _ window: SharedWindow
  ) throws(BusError) -> any QueueDriver {
    switch shape.format {
    case .ioq:
      guard let size = IoqSize(shape.size), let flow = shape.flow else {
        throw .refused(.invalid)
      }
      return try IoqQueueDriver(formatting: window, size: size, flow: flow)
    case .virtqueue:
      guard let size = QueueSize(shape.size) else { throw .refused(.invalid) }
      return try VirtqueueDriver(formatting: window, size: size, features: shape.features)
    }
  }

  /// Gives its memory back: only when the device is closed.
  public func release() { memory.deallocate(place) }

  /// Begins anew, empty: only while the device does not look at it, after a reset. What was posted
  /// is forgotten. `features`: where others are negotiated now.
  public func restart(features: FeatureBits? = nil) throws(BusError) {
    if let features { shape.features = features }
    try driver.restart(memory.window(of: place), shape.features)
  }
}

extension ClientQueue {
  /// Descriptors of the ring: each buffer of a chain takes one.
  public var capacity: Int { driver.capacity }
  /// Descriptors that are free.
  public var room: Int { driver.room }

  /// Posts one buffer; the device sees it at the next `publish`. False when there is no room.
  /// EINVAL for one that goes the wrong way.
  public func post(_ buffer: Segment, cookie: UInt64) throws(BusError) -> Bool {
    try driver.post(buffer, cookie: cookie)
  }

  /// Posts a chain of buffers, those that the device reads first. EINVAL for an ioq, unless there
  /// is one buffer.
  public func post(_ chain: [Segment], cookie: UInt64) throws(BusError) -> Bool {
    try driver.post(chain, cookie: cookie)
  }

  /// Shows the device all that was posted, and rings when it wants that.
  public func publish() throws(BusError) { if driver.publish() { try share.ring() } }

  /// Takes back what the device is done with; nil when there is nothing.
  public func reap() throws(BusError) -> QueueCompletion? { try driver.reap() }

  /// Asks for no bells.
  public func disableNotifications() { driver.disableNotifications() }

  /// Asks for a bell for what the device is done with next. True when something can be reaped
  /// already. Each time before `descriptor` is waited for.
  public func enableNotifications() -> Bool { driver.enableNotifications() }

  /// What to wait for with poll(2) while notifications are enabled; `share.clear` takes the bell.
  public var descriptor: Descriptor { share.descriptor }

  /// Waits until something can be reaped; false when nothing could in time. Less than 0
  /// milliseconds wait for ever.
  public func wait(milliseconds: Int32) throws(BusError) -> Bool {
    let deadline = Deadline(orNever: milliseconds)
    while !driver.enableNotifications() {
      // A bell may be of something older: look again.
      guard try share.wait(deadline) else { return driver.enableNotifications() }
    }
    return true
  }
}

extension DeviceConnection {
  /// Makes a queue of the device: the shared memory of this number. It takes less than 64 bytes an
  /// entry and 256 of `memory`, else `.noRoom`. EINVAL for a shape that its ring has not or that is
  /// larger than the device takes, EEXIST for a number that is shared already, EOPNOTSUPP for a
  /// ring that the connector or the device does not serve.
  public func makeQueue(
    _ id: UInt32, _ shape: QueueShape, in memory: ClientMemory
  ) throws(BusError) -> ClientQueue {
    try ClientQueue(shape, id: id, of: self, in: memory)
  }
}
