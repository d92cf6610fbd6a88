package import LinuxSystem
package import Vbus
package import VbusLink

/// What travels over a stream instead of shared memory and descriptors: the verbs with their data,
/// chains of rings with theirs.
///
/// The client's end takes chains from the client's rings; the other end, a client of the real bus,
/// has a ring of its own for each and posts them there. Payload follows its chain in pieces, and
/// what the device wrote goes before its completion.
package enum StreamMessage: Hashable, Sendable {
  // From the client.
  case open(tag: UInt32, id: UInt32, version: UInt32)
  case close(tag: UInt32, DeviceHandle)
  case call(tag: UInt32, DeviceHandle, function: UInt32, flags: UInt32, data: [UInt8])
  case share(tag: UInt32, StreamShare)
  case untold(tag: UInt32)
  /// The client rings for memory that is no ring.
  case ring(share: UInt32)
  case chain(StreamChain)

  // From the host.
  /// The first message: the ring formats that the real bus takes.
  case hello(formats: UInt32)
  /// `data` is what a call's data has become.
  case reply(tag: UInt32, errno: Errno?, value: UInt64, data: [UInt8])
  case event(Event)
  /// The device is done with a chain. `last` is the last of the bytes that it may write, which a
  /// disk's status is, however much stands before it.
  case done(share: UInt32, chain: UInt32, written: UInt32, last: UInt8)
  /// The device raised the signal of memory that is no ring.
  case raised(share: UInt32)

  // Either way.
  /// The next bytes of a chain: those that the device reads, or those that it wrote.
  case data(share: UInt32, chain: UInt32, [UInt8])
  /// The session is over, and why.
  case bye(String)
}

/// Memory to be shared at the other end.
package struct StreamShare: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case ioq(size: UInt32, Flow)
    case virtqueue(size: UInt32)
    /// Memory of so many bytes, with a signal or without. Its content stays where it is, but for
    /// what rings name of it.
    case bytes(byteCount: UInt32, signalOffset: UInt32?)
  }

  package var handle: DeviceHandle
  package var id: UInt32
  package var priority: UInt32
  package var kind: Kind

  package init(handle: DeviceHandle, id: UInt32, priority: UInt32, kind: Kind) {
    self.handle = handle
    self.id = id
    self.priority = priority
    self.kind = kind
  }
}

/// A chain that a driver has posted: how much the device may read and write of it. How the driver
/// cut it into buffers means nothing (VIRTIO 1.2 section 2.7.4.1).
package struct StreamChain: Hashable, Sendable {
  package var share: UInt32
  /// The client's number for it, free again when it is done.
  package var number: UInt32
  package var readable: UInt32
  package var writable: UInt32
  /// The last writable byte as the driver left it.
  package var last: UInt8
  /// The shared memory in which its one buffer lies, and where: the device looks for it there.
  package var pool: Pool?

  package struct Pool: Hashable, Sendable {
    package var share: UInt32
    package var offset: UInt32

    package init(share: UInt32, offset: UInt32) {
      self.share = share
      self.offset = offset
    }
  }

  package init(
    share: UInt32, number: UInt32, readable: UInt32, writable: UInt32, last: UInt8 = 0,
    pool: Pool? = nil
  ) {
    self.share = share
    self.number = number
    self.readable = readable
    self.writable = writable
    self.last = last
    self.pool = pool
  }
}
