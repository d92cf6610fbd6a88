internal import CLinux
package import LinuxSystem

/// The scratch list of a transfer between a file and a guest's memory: filled part by part, then
/// moved by one system call, usually. Made once and used for every request of its device.
@safe
package struct Transfer: ~Copyable {
  /// The kernel's own limit for one call, IOV_MAX.
  package static let partsMax = 1024

  private let parts: UnsafeMutablePointer<iovec>
  private let capacity: Int
  private var count = 0
  /// Bytes of ours that go before the guest's.
  private let lead: UnsafeMutableRawPointer
  /// The bytes that the parts hold together.
  package private(set) var byteCount = 0

  /// Room for `capacity` parts, at most `partsMax`.
  package init(capacity: Int = 128) {
    self.capacity = min(max(capacity, 1), Self.partsMax)
    // SAFETY: freed in deinit only; the first `count` parts are initialised.
    unsafe parts = .allocate(capacity: self.capacity)
    unsafe lead = .allocate(byteCount: Self.leadByteCountMax, alignment: 16)
  }

  deinit {
    unsafe parts.deallocate()
    unsafe lead.deallocate()
  }

  /// Room for what goes before a guest's bytes.
  package static let leadByteCountMax = 16

  /// Begins a transfer with bytes of ours, to be followed by a guest's.
  package mutating func begin(with bytes: borrowing Span<UInt8>) {
    precondition(bytes.count <= Self.leadByteCountMax)
    removeAll()
    let room = unsafe UnsafeMutableRawBufferPointer(start: lead, count: bytes.count)
    // SAFETY: `lead` has room for that many, and lives as long as the parts.
    unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
    _ = unsafe add(room)
  }

  /// Writes the parts with one call to a descriptor that has no positions; answers how many bytes
  /// it took. Uses up the parts.
  package mutating func send(to file: Int32) throws(Errno) -> Int {
    defer { removeAll() }
    // SAFETY: the first `count` parts are initialised.
    let answer = unsafe linux_write_parts(file, parts, Int32(count))
    guard answer >= 0 else { throw Errno(rawValue: Int32(clamping: -answer)) }
    return answer
  }

  package mutating func removeAll() {
    count = 0
    byteCount = 0
  }

  /// Adds guest memory to be written to a file. Answers how much of it found room.
  package mutating func appendSource(
    _ memory: GuestMemory, _ address: GuestAddress, _ count: UInt64
  ) throws(MemoryFault) -> UInt64 {
    var done: UInt64 = 0
    while done < count, self.count < capacity {
      let at = GuestAddress(address.rawValue &+ done)
      done += try unsafe add(memory.readable(at, count - done))
    }
    return done
  }

  /// Adds guest memory to be filled from a file. Answers how much of it found room.
  package mutating func appendTarget(
    _ memory: GuestMemory, _ address: GuestAddress, _ count: UInt64
  ) throws(MemoryFault) -> UInt64 {
    var done: UInt64 = 0
    while done < count, self.count < capacity {
      let at = GuestAddress(address.rawValue &+ done)
      done += try unsafe add(memory.writable(at, count - done))
    }
    return done
  }

  private mutating func add(_ part: UnsafeMutableRawBufferPointer) -> UInt64 {
    // SAFETY: the caller moves the parts before the guest's memory table can change.
    unsafe (parts + count).initialize(
      to: iovec(iov_base: part.baseAddress, iov_len: part.count))
    count += 1
    byteCount += part.count
    return UInt64(part.count)
  }

  /// Fills the parts from the file at `offset`. Answers how many bytes came: fewer only at the
  /// end of the file. Uses up the parts.
  package mutating func read(_ file: Int32, at offset: UInt64) throws(Errno) -> Int {
    try unsafe move(offset) { parts, count, offset in
      unsafe linux_read_at(file, parts, count, offset)
    }
  }

  /// Writes the parts to the file at `offset`. Uses up the parts.
  package mutating func write(_ file: Int32, at offset: UInt64) throws(Errno) -> Int {
    try unsafe move(offset) { parts, count, offset in
      unsafe linux_write_at(file, parts, count, offset)
    }
  }

  /// Repeats a call until all is moved or nothing more moves.
  @inline(__always)
  private mutating func move(
    _ offset: UInt64, _ call: (UnsafePointer<iovec>, Int32, UInt64) -> Int
  ) throws(Errno) -> Int {
    defer { removeAll() }
    var (moved, first) = (0, 0)
    while moved < byteCount {
      // SAFETY: `first` is below the count while bytes remain.
      let list = unsafe UnsafePointer(parts + first)
      let answer = unsafe call(list, Int32(count - first), offset + UInt64(moved))
      guard answer >= 0 else { throw Errno(rawValue: Int32(clamping: -answer)) }
      if answer == 0 { break }
      moved += answer
      first = skip(answer, from: first)
    }
    return moved
  }

  /// Cuts `count` moved bytes off the parts; answers the first that has any left.
  private mutating func skip(_ count: Int, from first: Int) -> Int {
    var (left, index) = (count, first)
    while index < self.count {
      // SAFETY: the index is below the count, and less is cut off than there is.
      let part = unsafe parts[index]
      guard unsafe left >= part.iov_len else {
        unsafe parts[index].iov_base = part.iov_base.map { unsafe $0 + left }
        unsafe parts[index].iov_len = part.iov_len - left
        return index
      }
      left -= unsafe part.iov_len
      index += 1
    }
    return index
  }
}
