package import LinuxSystem
package import SharedMemory
package import Virtio

/// The memory of a guest of ours: one memory file, seen by the device through a region table like
/// any guest's. Places in it are handed out from the bottom and never taken back.
package final class DriverMemory {
  package let file: Descriptor
  package let bytes: SharedFile
  package let region: MemoryRegion
  private var used = 0

  /// Guest and user addresses differ from each other and from offsets, so that a mix-up shows.
  package init(
    byteCount: Int, guestAddress: UInt64 = 0x4000_0000, userAddress: UInt64 = 0x7f12_0000_0000
  ) throws(Errno) {
    file = try makeMemoryFile("vbusfs-driver", byteCount: byteCount)
    bytes = try SharedFile(mapping: file, byteCount: byteCount, writable: true)
    region = MemoryRegion(
      guestAddress: guestAddress, userAddress: userAddress, byteCount: UInt64(byteCount),
      fileOffset: 0)
  }

  /// Takes `byteCount` bytes; answers their offset. There must be room.
  package func allocate(_ byteCount: Int, alignment: Int = 16) -> Int {
    let start = (used + alignment - 1) / alignment * alignment
    precondition(start + byteCount <= bytes.byteCount, "the driver's memory is full")
    used = start + byteCount
    return start
  }

  package func guestAddress(of offset: Int) -> GuestAddress {
    GuestAddress(region.guestAddress + UInt64(offset))
  }

  package func userAddress(of offset: Int) -> UInt64 { region.userAddress + UInt64(offset) }

  package func offset(of address: GuestAddress) -> Int {
    Int(address.rawValue - region.guestAddress)
  }

  /// A buffer with these bytes for the device to read.
  package func source(_ content: [UInt8]) -> Segment {
    let start = allocate(content.count)
    bytes.setBytes(content, at: start)
    return Segment(
      address: guestAddress(of: start), count: UInt32(content.count), isWritable: false)
  }

  /// A buffer for the device to write, filled with `filler`.
  package func target(_ byteCount: Int, filler: UInt8 = 0xee) -> Segment {
    let start = allocate(byteCount)
    bytes.setBytes([UInt8](repeating: filler, count: byteCount), at: start)
    return Segment(
      address: guestAddress(of: start), count: UInt32(byteCount), isWritable: true)
  }

  /// What a buffer holds now.
  package func content(of segment: Segment) -> [UInt8] {
    bytes.bytes(at: offset(of: segment.address), byteCount: Int(segment.count))
  }

  /// The same memory as a device has it.
  package func mapped() throws -> GuestMemory {
    let memory = GuestMemory()
    try memory.add(region, of: file)
    return memory
  }
}
