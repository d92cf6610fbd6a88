public import LinuxSystem

/// Why memory that another process names cannot be reached.
public enum MemoryFault: Error, Hashable, Sendable {
  /// A region is empty or wraps around the end of an address space.
  case malformedRegion
  /// A region shares addresses with one that is already there.
  case overlappingRegion
  /// More regions than `GuestMemory.regionsMax`.
  case tooManyRegions
  /// The file ends before the region does.
  case fileTooShort
  /// The kernel refused to map the file.
  case notMapped(Errno)
  /// No region with these addresses to remove.
  case noSuchRegion
  /// Bytes outside of every region.
  case outside(address: UInt64, byteCount: UInt64)
  /// Bytes that must lie together, in two regions.
  case divided(address: UInt64)
  /// An address that is no multiple of what its use demands.
  case misaligned(address: UInt64)

  /// What to tell a person.
  package var sentence: String {
    switch self {
    case .malformedRegion: "a memory region is empty or wraps around"
    case .overlappingRegion: "a memory region overlaps another one"
    case .tooManyRegions: "more than \(GuestMemory.regionsMax) memory regions"
    case .fileTooShort: "a memory region reaches past the end of its file"
    case .notMapped(let errno): "a memory region cannot be mapped: \(errno.text)"
    case .noSuchRegion: "there is no such memory region"
    case .outside(let address, let byteCount):
      "\(byteCount) bytes at 0x\(String(address, radix: 16)) are outside of the guest's memory"
    case .divided(let address):
      "the bytes at 0x\(String(address, radix: 16)) are divided between memory regions"
    case .misaligned(let address):
      "the address 0x\(String(address, radix: 16)) is misaligned"
    }
  }
}
