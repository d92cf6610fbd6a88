package import LinuxSystem

/// Memory that a client shares with a device, and its signal.
package final class ClientShare {
  package let wish: ShareWish
  package let signal: SharedSignal?
  let client: BusClient
  /// Its bell and all else that comes from the host, waited for as one.
  private let watched: DescriptorSet?

  init(_ wish: ShareWish, _ signal: SharedSignal?, _ client: BusClient) throws(BusError) {
    self.wish = wish
    self.signal = signal
    self.client = client
    guard let bells = signal?.bells else {
      watched = nil
      return
    }
    do throws(Errno) {
      let set = try DescriptorSet()
      try set.add(bells.client.descriptor)
      try set.add(client.connector.descriptor)
      watched = set
    } catch { throw .exhausted(error) }
  }

  /// What to wait for with poll(2): the client's own bell, or whatever comes from the host.
  package var descriptor: Descriptor {
    signal?.bells?.client.descriptor ?? client.descriptor
  }

  /// Rings the host's bell. Nothing without a signal.
  package func ring() throws(BusError) {
    guard let signal else { return }
    guard let bells = signal.bells else { return try client.connector.ring(signal.handle) }
    bells.host.ring()
  }

  /// Takes the host's ringing, without waiting; false when it did not ring.
  package func clear() -> Bool {
    guard let signal else { return false }
    guard let bells = signal.bells else { return client.takeSignal(wish.cookie) }
    return bells.client.clear()
  }

  /// Waits until the host rings, and takes it; false when it did not in time.
  package func wait(_ deadline: Deadline?) throws(BusError) -> Bool {
    while !clear() {
      // Or a host that died would be waited for.
      try client.checkedPump()
      if let deadline, deadline.hasPassed { return false }
      _ = LinuxSystem.wait(
        on: watched?.descriptor ?? client.connector.descriptor,
        milliseconds: deadline?.rest ?? -1)
    }
    return true
  }

  /// As above. Less than 0 milliseconds wait for ever.
  package func wait(milliseconds: Int32) throws(BusError) -> Bool {
    try wait(milliseconds < 0 ? nil : Deadline(milliseconds: UInt32(milliseconds)))
  }
}
