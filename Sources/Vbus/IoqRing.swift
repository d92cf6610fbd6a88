package import Rings
package import SharedMemory

/// An ioq as a queue handler sees any ring: a chain of one buffer for each entry.
package struct IoqRing: Ring, ~Copyable {
  private var device: IoqDevice<SharedWindow>
  private let memory: GuestMemory

  package var capacity: Int { device.size.count }
  package var taken: UInt16 { device.taken }
  package var published: UInt16 { device.published }

  /// Finds a ring in the guest's memory; `byteCount` has to be exactly its length.
  package init(
    at address: GuestAddress, byteCount: Int, flow: Flow, memory: GuestMemory
  ) throws(RingFault) {
    let window: SharedWindow
    do {
      window = try memory.window(
        guestAddress: address, byteCount: byteCount, alignment: IoqLayout.alignment)
    } catch { throw .misplaced(.ioq, error) }
    device = try IoqDevice(window, flow: flow)
    self.memory = memory
  }

  package mutating func next(_ segments: inout Segments) throws(RingFault) -> Loan? {
    // Zeros stand where the guest's memory was: nothing there is the driver's word.
    guard !memory.isTorn else { throw .memoryTorn }
    guard let offer = try device.take() else { return nil }
    segments.replaceAll(
      with: Segment(
        address: GuestAddress(offer.address), count: offer.byteCount,
        isWritable: device.flow == .fromDevice))
    return Loan(head: offer.slot)
  }

  package mutating func settle(_ loan: consuming Loan, written: UInt32) {
    device.settle(loan.settled(), written: written)
  }

  package mutating func putBack(_ loan: consuming Loan) {
    _ = loan.settled()
    device.putBack()
  }

  package mutating func publish() {
    // What was served on torn memory stays unpublished; the next `next` says why.
    guard !memory.isTorn else { return }
    device.publish()
  }

  package mutating func shouldInterrupt() -> Bool { device.shouldNotify() }

  package mutating func disableKicks() { device.disableNotifications() }

  package mutating func enableKicks() -> Bool { device.enableNotifications() }
}
