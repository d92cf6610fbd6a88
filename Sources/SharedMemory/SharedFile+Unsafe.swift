package import LinuxSystem

/// A mapped memory file of our own: counters, resume records, the driver's half of a test ring.
package final class SharedFile {
  private let mapping: Mapping
  private let tear = TearFlag()

  package var byteCount: Int { mapping.byteCount }

  /// True when somebody shrank the file behind the mapping.
  package var isTorn: Bool { tear.isRaised }

  package init(
    mapping file: Descriptor, byteCount: Int, writable isWritable: Bool
  ) throws(Errno) {
    guard let count = UInt64(exactly: byteCount) else { throw .invalid }
    mapping = try Mapping(file, at: 0, byteCount: count, isWritable: isWritable, tear: tear)
  }

  package func window(at offset: Int, byteCount: Int) -> SharedWindow {
    SharedWindow(mapping, at: offset, byteCount: byteCount)
  }

  /// Copies bytes out. They may be changing meanwhile: check what you got.
  package func bytes(at offset: Int, byteCount: Int) -> [UInt8] {
    precondition(offset >= 0 && byteCount >= 0 && offset <= mapping.byteCount)
    precondition(mapping.byteCount - offset >= byteCount)
    // SAFETY: the range was checked; the buffer has `byteCount` bytes.
    return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
        from: UnsafeRawBufferPointer(start: mapping.base + offset, count: byteCount))
      count = byteCount
    }
  }

  package func setBytes(_ bytes: [UInt8], at offset: Int) {
    precondition(offset >= 0 && offset <= mapping.byteCount)
    precondition(mapping.byteCount - offset >= bytes.count)
    // SAFETY: the range was checked, and the array lives for the closure.
    unsafe bytes.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(start: mapping.base + offset, count: source.count)
        .copyMemory(from: source)
    }
  }
}
