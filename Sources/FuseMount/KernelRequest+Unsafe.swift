internal import CFuse

/// A request of the kernel as it lies in its slot: struct fuse_in_header, what the operation itself
/// defines, and names or data behind that (linux/fuse.h).
@safe struct KernelRequest {
  /// Where it lies, until it is answered.
  let slot: Int
  let header: fuse_in_header
  private let start: UnsafeRawPointer

  static let headerByteCount = MemoryLayout<fuse_in_header>.size

  /// A slot has room for every head. What a request too short for one lacks is left from an earlier
  /// one, and nothing of it is used.
  ///
  /// SAFETY, for all of it: who makes one says that a whole slot lies at `start` and stays mapped;
  /// every access is checked against the slot's size.
  init(in slot: Int, at start: UnsafeRawPointer) {
    self.slot = slot
    unsafe self.start = start
    header = unsafe start.load(as: fuse_in_header.self)
  }

  var node: NodeID { NodeID(rawValue: header.nodeid) }
  var byteCount: Int { min(Int(header.len), RequestSlots.slotByteCount) }

  /// What the operation itself defines, right behind the head. The kernel sends no request without
  /// it: EINVAL.
  func argument<Form: BitwiseCopyable>(_: Form.Type) throws(TreeError) -> Form {
    guard byteCount >= Self.headerByteCount + MemoryLayout<Form>.size else {
      throw TreeError(.invalid)
    }
    return unsafe start.loadUnaligned(fromByteOffset: Self.headerByteCount, as: Form.self)
  }

  /// What lies behind `argument`, or behind the head.
  private func rest<Form: BitwiseCopyable>(after _: Form.Type) -> UnsafeBufferPointer<UInt8> {
    let offset = Self.headerByteCount + MemoryLayout<Form>.size
    return unsafe UnsafeBufferPointer(
      start: (start + offset).assumingMemoryBound(to: UInt8.self),
      count: max(0, byteCount - offset))
  }

  /// The name that is the whole argument, without the zero behind it.
  func withName<Answer>(
    _ body: (Span<UInt8>) throws(TreeError) -> Answer
  ) throws(TreeError) -> Answer {
    let bytes = unsafe rest(after: Void.self)
    let name = unsafe bytes[..<max(0, bytes.count - 1)]
    return try body(unsafe UnsafeBufferPointer(rebasing: name).span)
  }

  /// Names behind `argument`, each with a zero behind it. Fewer than `count` are EINVAL.
  func names<Form: BitwiseCopyable>(
    _ count: Int, after form: Form.Type
  ) throws(TreeError) -> [[UInt8]] {
    var rest = unsafe rest(after: form)[...]
    var names: [[UInt8]] = []
    names.reserveCapacity(count)
    for _ in 0..<count {
      guard let end = unsafe rest.firstIndex(of: 0) else { throw TreeError(.invalid) }
      unsafe names.append(Array(rest[..<end]))
      unsafe rest = rest[(end + 1)...]
    }
    return names
  }

  /// `count` bytes behind `argument`. Fewer are EINVAL.
  func data<Form: BitwiseCopyable>(
    _ count: UInt32, after form: Form.Type
  ) throws(TreeError) -> [UInt8] {
    let bytes = unsafe rest(after: form)
    guard bytes.count >= Int(count) else { throw TreeError(.invalid) }
    return unsafe Array(bytes.prefix(Int(count)))
  }
}
