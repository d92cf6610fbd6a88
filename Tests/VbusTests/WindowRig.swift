import LinuxSystem
import RingDriver
import SharedMemory
import Vbus

/// A driver's memory with an ioq in it, and the same as the device has it.
struct WindowRig {
  let memory: DriverMemory
  let guest: GuestMemory
  let size: IoqSize
  let offset: Int
  let window: SharedWindow

  init(_ count: Int = 4) throws {
    guard let size = IoqSize(count) else { throw Errno.invalid }
    self.size = size
    memory = try DriverMemory(byteCount: 1 << 18)
    guest = try memory.mapped()
    offset = memory.allocate(IoqLayout.byteCount(size))
    window = memory.bytes.window(at: offset, byteCount: IoqLayout.byteCount(size))
  }

  var byteCount: Int { IoqLayout.byteCount(size) }

  func driver(_ flow: Flow = .toDevice) throws(RingFault) -> IoqDriverRing {
    try IoqDriverRing(formatting: window, size: size, flow: flow)
  }

  func device(_ flow: Flow = .toDevice) throws(RingFault) -> IoqDevice<SharedWindow> {
    try IoqDevice(window, flow: flow)
  }

  /// As the device's end of the ring finds it by its address in the guest's memory.
  func ring(_ flow: Flow = .toDevice, byteCount: Int? = nil) throws(RingFault) -> IoqRing {
    try IoqRing(
      at: memory.guestAddress(of: offset), byteCount: byteCount ?? self.byteCount, flow: flow,
      memory: guest)
  }

  /// The fault of attaching to the ring as it lies there; nil when there is none.
  func faultOfAttaching(byteCount: Int? = nil) -> RingFault? {
    do throws(RingFault) { _ = try ring(byteCount: byteCount) } catch { return error }
    return nil
  }

  /// Entries that a device takes, by slot, and gives up.
  func slotsTaken(_ flow: Flow = .toDevice) throws(RingFault) -> [UInt16] {
    var device = try device(flow)
    var slots: [UInt16] = []
    while let offer = try device.take() { slots.append(offer.slot) }
    return slots
  }
}
