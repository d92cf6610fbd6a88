internal import Glibc
internal import LinuxSystem
internal import VbusClient

/// A second mapping of a client's memory, for a C program to use as it likes.
@safe final class MemoryMapping {
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  init(_ memory: BusMemory) throws(CallFault) {
    // SAFETY: a fresh mapping at an address of the kernel's choice; nothing else knows it.
    let mapped = unsafe mmap(
      nil, memory.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, memory.file.number, 0)
    guard let mapped = unsafe mapped, unsafe mapped != UnsafeMutableRawPointer(bitPattern: -1)
    else { throw .bus(.exhausted(Errno(rawValue: Glibc.errno))) }
    unsafe base = mapped
    byteCount = memory.byteCount
  }

  deinit {
    // SAFETY: the header says that a program uses no buffer of memory that was dropped.
    unsafe munmap(base, byteCount)
  }

  /// Where a buffer lies. Precondition: in this memory.
  func place(of buffer: ClientBuffer) -> UnsafeMutableRawPointer {
    precondition(buffer.offset >= 0 && buffer.offset < byteCount)
    // SAFETY: inside of the mapping.
    return unsafe base + buffer.offset
  }
}
