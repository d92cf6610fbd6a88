public import LinuxSystem
package import SharedMemory
internal import VbusLink

/// Memory that a client and the host of its bus see: a memory file, mapped here.
///
/// Messages and rings name bytes of it by addresses of the client's own space, which begin at
/// `address` and mean nothing to the processor.
public final class BusMemory {
  /// Of its first byte, in the client's own space.
  public let address: UInt64
  /// What another process maps to see the same bytes.
  public let file: Descriptor
  /// Its bytes as words and windows, for rings.
  package let bytes: SharedFile

  /// How long it is, which never changes.
  public var byteCount: Int { bytes.byteCount }

  /// Makes a memory file of zero bytes that cannot change its size. EINVAL for a size that is not
  /// from 1 to `byteCountMax`.
  public init(at address: UInt64, byteCount: Int) throws(Errno) {
    guard byteCount > 0, byteCount <= Self.byteCountMax else { throw .invalid }
    self.address = address
    file = try makeMemoryFile("vbus-client", byteCount: byteCount)
    bytes = try SharedFile(mapping: file, byteCount: byteCount, writable: true)
  }

  /// More than any machine has, and far from every overflow.
  public static let byteCountMax = 1 << 46

  /// Whether so many bytes lie in it.
  public func holds(_ offset: Int, _ count: Int) -> Bool {
    offset >= 0 && count >= 0 && offset <= byteCount && byteCount - offset >= count
  }

  /// Where bytes at an address lie; nil for those of other memory.
  public func offset(of address: UInt64) -> Int? {
    guard address >= self.address, let offset = Int(exactly: address - self.address),
      offset < byteCount
    else { return nil }
    return offset
  }

  /// What rings and calls name a byte by. Precondition: the memory holds it.
  public func address(of offset: Int) -> UInt64 { address + UInt64(offset) }

  /// Copies bytes out. They may be changing meanwhile: check what you got. Precondition: the memory
  /// holds them.
  public func bytes(at offset: Int, byteCount: Int) -> [UInt8] {
    bytes.bytes(at: offset, byteCount: byteCount)
  }

  /// Copies bytes in. Precondition: the memory holds the place.
  public func setBytes(_ bytes: [UInt8], at offset: Int) {
    self.bytes.setBytes(bytes, at: offset)
  }
}
