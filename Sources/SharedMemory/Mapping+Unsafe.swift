internal import CLinux
internal import Glibc
internal import LinuxSystem

/// A mapped range of a shared file, guarded against shrinking, unmapped when its last user lets
/// go. Windows hold it, so no window outlives its bytes.
@safe
public final class Mapping {
  /// The bytes asked for; the mapping itself may begin earlier, at a page.
  @usableFromInline let base: UnsafeMutableRawPointer
  package let byteCount: Int

  private let start: UnsafeMutableRawPointer
  private let length: Int
  private let guardSlot: Int32
  private let tear: TearFlag

  /// Maps `byteCount` bytes of `file` from `offset`, shared.
  ///
  /// A file offset need not be aligned: the mapping starts at the page (of the file's own page
  /// size, for hugetlbfs) that holds it.
  init(
    _ file: Descriptor, at offset: UInt64, byteCount: UInt64, isWritable: Bool, tear: TearFlag
  ) throws(Errno) {
    let page = linux_file_page_size(file.number)
    guard page > 0 else { throw Errno(rawValue: Int32(clamping: -page)) }
    let lead = offset % UInt64(page)
    let (reach, overflow) = (byteCount + UInt64(page) - 1).addingReportingOverflow(lead)
    guard !overflow, byteCount > 0, let most = Int(exactly: reach),
      let from = Int(exactly: offset - lead), let count = Int(exactly: byteCount)
    else { throw .invalid }
    let length = most / page * page
    // SAFETY: a fresh mapping at an address of the kernel's choice; nothing else knows it.
    let mapped = unsafe mmap(
      nil, length, isWritable ? PROT_READ | PROT_WRITE : PROT_READ,
      MAP_SHARED | MAP_NORESERVE, file.number, from)
    guard let mapped = unsafe mapped, unsafe mapped != UnsafeMutableRawPointer(bitPattern: -1)
    else { throw Errno(rawValue: errno) }
    let slot = unsafe tear.guarding(mapped, length, page: page)
    guard slot >= 0 else {
      unsafe munmap(mapped, length)
      throw Errno(rawValue: -slot)
    }
    unsafe self.start = mapped
    unsafe self.base = mapped + Int(lead)
    self.length = length
    self.byteCount = count
    self.tear = tear
    guardSlot = slot
  }

  deinit {
    // SAFETY: the guard goes first, so the handler never mends what is no longer ours.
    linux_guard_remove(guardSlot)
    unsafe munmap(start, length)
  }
}
