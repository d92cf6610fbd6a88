internal import CLinux
internal import Glibc
package import LinuxSystem

/// The memory file in which requests of the kernel lie until they are answered.
///
/// A request is read straight into a free slot, so that it outlives the process that read it: a
/// successor finds it there and answers it. The kernel's own length field marks a slot as taken,
/// and it is zero before each read, so there is no moment at which a request was read and not
/// marked. The file's head keeps the waiting pollers.
///
/// All pages are present from the start: the kernel answers a request with EIO when a fault on a
/// page fails while the process is being killed.
@safe package final class RequestSlots {
  package let file: Descriptor
  private let base: UnsafeMutableRawPointer

  /// Requests under way at once. More wait in the kernel.
  package static let count = 128
  /// The longest value that arrives in one request.
  package static let writeByteCountMax = 16 * 1024
  /// A slot holds a whole WRITE request, and FUSE_MIN_READ_BUFFER at least.
  static let slotByteCount = writeByteCountMax + 4096
  /// Pollers that wait at once. One more replaces the oldest, which is woken.
  static let pollersMax = 480

  private static let pollersOffset = 512
  private static let attemptsOffset = 8192
  private static let requestCountOffset = 8704
  private static let slotsOffset = 12_288
  private static let byteCount = slotsOffset + count * slotByteCount

  /// Makes an empty file, or maps the one a predecessor made.
  package init(_ existing: Descriptor? = nil) throws(Errno) {
    if let existing {
      file = existing
    } else {
      file = try makeMemoryFile("vbusfs-requests", byteCount: Self.byteCount)
    }
    guard try facts(of: file).byteCount == UInt64(Self.byteCount) else { throw .stale }
    // SAFETY: a new mapping of the whole file, which is sealed against shrinking.
    let mapping = unsafe mmap(
      nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_POPULATE),
      file.number, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    unsafe base = mapping
  }

  // SAFETY: mapped in init with this length; nothing keeps a pointer beyond this object.
  deinit { unsafe munmap(base, Self.byteCount) }

  // MARK: Slots

  /// The slots whose requests are not answered, oldest request first.
  package var occupied: [Int] {
    (0..<Self.count).filter { length(of: $0) != 0 }
      .sorted { request(in: $0).header.unique < request(in: $1).header.unique }
  }

  /// Reads the next request of the kernel into a free slot.
  func read(from fuse: Descriptor, into slot: Int) throws(Errno) {
    // SAFETY: 128 numbers lie between the pollers and the slots.
    unsafe attemptsPointer(slot).storeBytes(of: 0, as: UInt32.self)
    // SAFETY: a slot lies inside the mapping and has `slotByteCount` bytes.
    let count = unsafe linux_read(fuse.number, pointer(to: slot), Self.slotByteCount)
    guard count >= 0 else { throw Errno(rawValue: Int32(-count)) }
  }

  func free(_ slot: Int) {
    // SAFETY: the first word of a slot of the mapping.
    unsafe pointer(to: slot).storeBytes(of: 0, as: UInt32.self)
  }

  /// Notes that a successor takes this request up, and answers how often one did.
  func noteAttempt(on slot: Int) -> Int {
    let attempts = unsafe attemptsPointer(slot).load(as: UInt32.self) &+ 1
    // SAFETY: as in `read(from:into:)`.
    unsafe attemptsPointer(slot).storeBytes(of: attempts, as: UInt32.self)
    return Int(attempts)
  }

  /// The request in a slot, until it is freed.
  func request(in slot: Int) -> KernelRequest {
    // SAFETY: a slot lies inside the mapping, which lives as long as this object.
    unsafe KernelRequest(in: slot, at: pointer(to: slot))
  }

  private func length(of slot: Int) -> UInt32 {
    // SAFETY: the first word of a slot of the mapping.
    unsafe pointer(to: slot).load(as: UInt32.self)
  }

  private func attemptsPointer(_ slot: Int) -> UnsafeMutableRawPointer {
    precondition((0..<Self.count).contains(slot))
    // SAFETY: a page for them lies before the slots.
    return unsafe base + (Self.attemptsOffset + slot * 4)
  }

  private func pointer(to slot: Int) -> UnsafeMutableRawPointer {
    precondition((0..<Self.count).contains(slot))
    // SAFETY: the mapping has `count` slots behind its head.
    return unsafe base + (Self.slotsOffset + slot * Self.slotByteCount)
  }

  // MARK: Counting

  /// Requests that were read and want an answer, of all processes that served this connection.
  package var requestCount: UInt64 {
    get {
      // SAFETY: between the attempts and the slots, and aligned.
      unsafe (base + Self.requestCountOffset).load(as: UInt64.self)
    }
    set {
      // SAFETY: as above.
      unsafe (base + Self.requestCountOffset).storeBytes(of: newValue, as: UInt64.self)
    }
  }

  // MARK: Pollers

  /// The kernel's handle of poller `index` and the node it waits on; handle 0: none.
  subscript(poller index: Int) -> (handle: UInt64, node: UInt64) {
    get {
      let entry = unsafe pollerPointer(index)
      return unsafe (
        entry.load(as: UInt64.self), (entry + 8).load(as: UInt64.self)
      )
    }
    set {
      let entry = unsafe pollerPointer(index)
      unsafe (entry + 8).storeBytes(of: newValue.node, as: UInt64.self)
      unsafe entry.storeBytes(of: newValue.handle, as: UInt64.self)
    }
  }

  private func pollerPointer(_ index: Int) -> UnsafeMutableRawPointer {
    precondition((0..<Self.pollersMax).contains(index))
    // SAFETY: 480 entries of 16 bytes lie before the attempts.
    return unsafe base + (Self.pollersOffset + index * 16)
  }
}
