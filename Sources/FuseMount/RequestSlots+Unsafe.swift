internal import Glibc
package import LinuxSystem

/// The memory file in which requests of the kernel lie until they are answered.
///
/// A request is read straight into a free slot, so that it outlives the process that read it: a
/// successor finds it there and answers it. The kernel's own length field marks a slot as taken,
/// and it is zero before each read, so there is no moment at which a request was read and not
/// marked. The file's head keeps the connection's INIT request and the waiting pollers.
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

  private static let initOffset = 0
  private static let initByteCountMax = 256
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
      .sorted { header(of: $0).unique < header(of: $1).unique }
  }

  /// Reads the next request of the kernel into a free slot.
  func read(from fuse: Descriptor, into slot: Int) throws(Errno) {
    // SAFETY: 128 numbers lie between the pollers and the slots.
    unsafe attemptsPointer(slot).storeBytes(of: 0, as: UInt32.self)
    // SAFETY: a slot lies inside the mapping and has `slotByteCount` bytes.
    let count = unsafe Glibc.read(fuse.number, pointer(to: slot), Self.slotByteCount)
    guard count >= 0 else { throw Errno(rawValue: errno) }
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

  /// A copy of the request.
  func request(in slot: Int) -> [UInt8] {
    let count = byteCount(of: slot)
    // SAFETY: at most the slot's own bytes.
    return unsafe Array(UnsafeRawBufferPointer(start: pointer(to: slot), count: count))
  }

  /// Copies the request to memory for the longest one, and answers how long it is.
  func copyRequest(in slot: Int, to memory: UnsafeMutableRawPointer) -> Int {
    let count = byteCount(of: slot)
    // SAFETY: at most the slot's own bytes; the caller has room for as many.
    unsafe memory.copyMemory(from: pointer(to: slot), byteCount: count)
    return count
  }

  /// The head of the request. What a short one lacks is left from an earlier one.
  func header(of slot: Int) -> RequestHeader {
    let start = unsafe pointer(to: slot)
    // SAFETY: a slot is aligned and longer than any head.
    return unsafe RequestHeader(
      byteCount: start.load(as: UInt32.self),
      operation: .init(rawValue: start.load(fromByteOffset: 4, as: UInt32.self)),
      unique: start.load(fromByteOffset: 8, as: UInt64.self),
      node: start.load(fromByteOffset: 16, as: UInt64.self),
      uid: start.load(fromByteOffset: 24, as: UInt32.self),
      gid: start.load(fromByteOffset: 28, as: UInt32.self),
      pid: start.load(fromByteOffset: 32, as: UInt32.self))
  }

  /// The kernel's handle in a POLL request (struct fuse_poll_in), which libfuse keeps to itself.
  func pollHandle(in slot: Int) -> UInt64 { number(in: slot, at: 48) }

  /// The number of the request that an INTERRUPT is about (struct fuse_interrupt_in).
  func interrupted(in slot: Int) -> UInt64 { number(in: slot, at: 40) }

  private func number(in slot: Int, at offset: Int) -> UInt64 {
    guard byteCount(of: slot) >= offset + 8 else { return 0 }
    // SAFETY: within the request.
    return unsafe pointer(to: slot).load(fromByteOffset: offset, as: UInt64.self)
  }

  private func byteCount(of slot: Int) -> Int { min(Int(length(of: slot)), Self.slotByteCount) }

  private func length(of slot: Int) -> UInt32 {
    // SAFETY: the first word of a slot of the mapping.
    unsafe pointer(to: slot).loadUnaligned(as: UInt32.self)
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

  // MARK: The connection's INIT request

  /// The INIT request with which the kernel opened the connection; empty before it came. A
  /// successor gives it to libfuse again, and so settles on the same protocol.
  var initRequest: [UInt8] {
    get {
      let count = Int(unsafe base.loadUnaligned(as: UInt32.self))
      // SAFETY: at most the head's first part.
      return unsafe Array(
        UnsafeRawBufferPointer(start: base, count: min(count, Self.initByteCountMax)))
    }
    set {
      precondition(newValue.count <= Self.initByteCountMax)
      // SAFETY: checked to fit before the pollers. The length at its front is written last, for it
      // marks the request as whole.
      unsafe newValue.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress, bytes.count >= 4 else { return }
        unsafe (base + 4).copyMemory(from: start + 4, byteCount: bytes.count - 4)
        unsafe base.storeBytes(of: start.loadUnaligned(as: UInt32.self), as: UInt32.self)
      }
    }
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
    // SAFETY: 480 entries of 16 bytes lie between the INIT request and the slots.
    return unsafe base + (Self.pollersOffset + index * 16)
  }
}
