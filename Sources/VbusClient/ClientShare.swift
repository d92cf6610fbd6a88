public import LinuxSystem

/// Memory that a client shares with a device, and its signal.
public final class ClientShare {
  /// What was shared, with the cookie that its events bear.
  public let wish: ShareWish
  /// Nil for memory without one.
  public let signal: SharedSignal?
  let client: BusClient
  /// Its bell and all else that comes from the host, waited for as one.
  private let watched: BellWait?
  /// The host's bell, which `signal` has: to look there counts references with each ring.
  private let hostBell: Int32?

  init(_ wish: ShareWish, _ signal: SharedSignal?, _ client: BusClient) throws(BusError) {
    self.wish = wish
    self.signal = signal
    self.client = client
    hostBell = signal?.bells?.host.descriptor.number
    guard let bells = signal?.bells else {
      watched = nil
      return
    }
    do throws(Errno) {
      watched = try BellWait(
        for: bells.client.descriptor, beside: client.connector.descriptor)
    } catch { throw .exhausted(error) }
  }

  /// What to wait for with poll(2): the client's own bell, or whatever comes from the host.
  public var descriptor: Descriptor {
    signal?.bells?.client.descriptor ?? client.descriptor
  }

  /// Rings the host's bell. Nothing without a signal.
  public func ring() throws(BusError) {
    if let hostBell { return ringDoorbell(hostBell) }
    if let signal { try client.connector.ring(signal.handle) }
  }

  /// Takes the host's ringing, without waiting; false when it did not ring.
  public func clear() -> Bool {
    guard let signal else { return false }
    guard let bells = signal.bells else { return client.takeSignal(wish.cookie) }
    return bells.client.clear()
  }

  /// Waits until the host rings, and takes it; false when it did not in time. A bell of its own
  /// is not read, so that `clear` may answer true for it once more.
  func wait(_ deadline: Deadline) throws(BusError) -> Bool {
    guard let watched else { return try waitForEvent(deadline) }
    while true {
      switch watched.wait(milliseconds: deadline.rest) {
      case .rang: return true
      case .timeUp: return false
      // Or a host that died would be waited for.
      case .otherwise: try client.checkedPump()
      }
      if deadline.hasPassed { return false }
    }
  }

  private func waitForEvent(_ deadline: Deadline) throws(BusError) -> Bool {
    while try !client.checkedTake(wish.cookie) {
      if deadline.hasPassed { return false }
      _ = LinuxSystem.wait(on: client.connector.descriptor, milliseconds: deadline.rest)
    }
    return true
  }

  /// As above. Less than 0 milliseconds wait for ever.
  public func wait(milliseconds: Int32) throws(BusError) -> Bool {
    try wait(Deadline(orNever: milliseconds))
  }
}
