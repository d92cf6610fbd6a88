public import LinuxSystem
internal import Vbus
internal import VbusLink

/// A network card as a driver of vbus's own sees it: an ioq each way, flat frames.
public final class VenetDevice {
  /// By which a driver finds cards on a bus.
  public static let interfaceType = VenetFunction.interfaceType

  /// The card as any other device.
  public let connection: DeviceConnection
  private let memory: ClientMemory
  private let receiving: ClientQueue
  private let transmitting: ClientQueue
  private let receiveBuffers: [ClientBuffer]
  private let transmitBuffers: [ClientBuffer]
  /// Of those for transmitting, the ones that the device has not.
  private var idle: [Int]

  /// How many frames are under way, and how long they are.
  public struct Shape: Hashable, Sendable {
    /// Of each queue.
    public var entries = 128
    /// The longest frame, with its Ethernet header.
    public var frameByteCountMax = 9216 + 18
    /// The layout of both rings.
    public var format = RingFormat.ioq

    /// What is usual.
    public init() {}
  }

  /// Shares both queues and fills the one for receiving. The link is down. EINVAL for a number of
  /// entries that the ring has not.
  public init(_ connection: DeviceConnection, _ shape: Shape = Shape()) throws(BusError) {
    let memory = try connection.client.makeMemory(byteCount: Self.byteCount(shape))
    self.connection = connection
    self.memory = memory
    receiving = try connection.makeQueue(
      VenetShare.receive, QueueShape(shape.format, shape.entries, flow: .fromDevice), in: memory)
    transmitting = try connection.makeQueue(
      VenetShare.transmit, QueueShape(shape.format, shape.entries, flow: .toDevice), in: memory)
    receiveBuffers = try Self.buffers(shape, memory)
    transmitBuffers = try Self.buffers(shape, memory)
    idle = Array(transmitBuffers.indices)
    for index in receiveBuffers.indices { try postReceiving(index) }
    try receiving.publish()
  }

  private static func byteCount(_ shape: Shape) -> Int {
    // A ring takes less than 64 bytes an entry and 256.
    2 * (max(0, shape.entries) * (max(0, shape.frameByteCountMax) + 16 + 64) + 4096)
  }

  private static func buffers(
    _ shape: Shape, _ memory: ClientMemory
  ) throws(BusError) -> [ClientBuffer] {
    var buffers: [ClientBuffer] = []
    for _ in 0..<shape.entries {
      guard let buffer = memory.allocate(shape.frameByteCountMax) else { throw .noRoom }
      buffers.append(buffer)
    }
    return buffers
  }

  /// Closes the card, and gives back all that was taken for it.
  public func close() throws(BusError) { try connection.close(dropping: memory) }

  /// The card's own address, six bytes as they stand in a frame.
  public func macAddress() throws(BusError) -> [UInt8] {
    try connection.call(VenetFunction.queryAddress.rawValue, [UInt8](repeating: 0, count: 6))
  }

  /// NEGCAP: of the bits of a group, those that the device has as well. Only while the link is
  /// down, else EINVAL. What was granted holds from `linkUp` on.
  ///
  /// With scatter-gather, bit 0 of group 0, the queues take packet headers: `send` and `receive`,
  /// which move flat frames, are not for that. Where memory is not shared packets cannot name other
  /// memory, and it is not asked for.
  public func negotiate(group: UInt32, _ bits: UInt32) throws(BusError) -> UInt32 {
    let sharesMemory = connection.client.connector.capabilities.sharesMemory
    let travels = sharesMemory || group != VenetGroup.scatterGather.rawValue
    var writer = WireWriter()
    writer.put(group)
    writer.put(travels ? bits : 0)
    let answer = try connection.call(VenetFunction.negotiate.rawValue, writer.bytes)
    return UInt32(truncatingIfNeeded: littleEndian(answer.dropFirst(4)))
  }

  /// Frames pass from here on. EEXIST when they do already.
  public func linkUp() throws(BusError) {
    _ = try connection.call(VenetFunction.linkUp.rawValue)
  }

  /// What was sent is processed, then nothing passes any more. ENOENT when nothing did.
  public func linkDown() throws(BusError) {
    _ = try connection.call(VenetFunction.linkDown.rawValue)
  }
}

// MARK: - Frames

extension VenetDevice {
  /// Sends a frame; false when it is too long or the device still has all buffers.
  public func send(_ frame: [UInt8]) throws(BusError) -> Bool {
    while let completion = try transmitting.reap() { idle.append(Int(completion.cookie)) }
    guard let index = idle.last, memory.set(frame, in: transmitBuffers[index]) else {
      return false
    }
    let segment = transmitBuffers[index].segment(isWritable: false, byteCount: frame.count)
    guard try transmitting.post(segment, cookie: UInt64(index)) else { return false }
    idle.removeLast()
    try transmitting.publish()
    return true
  }

  /// Waits until the device has taken all frames; false when it had not in time. Less than 0
  /// milliseconds wait for ever.
  public func flush(milliseconds: Int32) throws(BusError) -> Bool {
    let deadline = Deadline(orNever: milliseconds)
    while idle.count < transmitBuffers.count {
      while let completion = try transmitting.reap() { idle.append(Int(completion.cookie)) }
      guard idle.count < transmitBuffers.count else { break }
      guard !deadline.hasPassed else { return false }
      _ = try transmitting.wait(milliseconds: deadline.rest)
    }
    return true
  }

  /// The next frame; nil when none came in time. Less than 0 milliseconds wait for ever.
  public func receive(milliseconds: Int32) throws(BusError) -> [UInt8]? {
    let deadline = Deadline(orNever: milliseconds)
    while true {
      while let completion = try receiving.reap() {
        let index = Int(completion.cookie)
        let frame = memory.bytes(of: receiveBuffers[index], count: Int(completion.written))
        try postReceiving(index)
        try receiving.publish()
        // Empty ones were flushed.
        if !frame.isEmpty { return frame }
      }
      if deadline.hasPassed { return nil }
      _ = try receiving.wait(milliseconds: deadline.rest)
    }
  }

  /// What to wait for with poll(2) after `receive` answered nil.
  public var descriptor: Descriptor { receiving.descriptor }

  private func postReceiving(_ index: Int) throws(BusError) {
    _ = try receiving.post(
      receiveBuffers[index].segment(isWritable: true), cookie: UInt64(index))
  }
}
