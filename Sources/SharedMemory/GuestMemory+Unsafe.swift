public import CLinux
package import LinuxSystem

/// The memory of one guest as a device sees it: a table of mapped regions.
///
/// Belongs to one thread. Regions may come and go while rings run: a window keeps its own mapping
/// alive, and payload addresses are looked up at each use.
@safe
public final class GuestMemory {
  /// What this device maps at most. The vhost-user limit of a memory table is lower, that of
  /// added regions is what the back end says it is.
  package static let regionsMax = 64

  /// A region with its bytes; plain numbers, so that a lookup counts no references.
  @safe
  private struct Entry {
    let region: MemoryRegion
    let base: UnsafeMutableRawPointer
  }

  /// The bytes behind a range of guest addresses.
  @safe
  @usableFromInline
  struct Stretch {
    @usableFromInline let guestAddress: UInt64
    @usableFromInline let byteCount: UInt64
    @usableFromInline let base: UnsafeMutableRawPointer
  }

  /// Behind a pointer and not in properties: a class's properties are checked for exclusive
  /// access at each use, which costs more than the lookup.
  @usableFromInline
  struct Table {
    var count = 0
    /// Where the last lookup ended; empty before the first.
    @usableFromInline var lastHit: Stretch
  }

  private let tear = TearFlag()
  @usableFromInline let tornWord: UnsafePointer<UInt32>
  private var mappings: [Mapping] = []
  private let entries: UnsafeMutablePointer<Entry>
  @usableFromInline let table: UnsafeMutablePointer<Table>

  package init() {
    // SAFETY: freed in deinit only; of the entries the first `table.count` are initialised.
    unsafe entries = .allocate(capacity: Self.regionsMax)
    unsafe table = .allocate(capacity: 1)
    unsafe tornWord = UnsafePointer(tear.word)
    unsafe table.initialize(to: Self.emptyTable(entries))
  }

  deinit {
    unsafe entries.deallocate()
    unsafe table.deallocate()
  }

  /// True once a file shrank behind a mapping: what is read there from then on is zero.
  @inlinable
  public var isTorn: Bool {
    // SAFETY: the word lives as long as `tear`; one relaxed load.
    unsafe linux_load32_relaxed(tornWord) != 0
  }

  package var regions: [MemoryRegion] {
    // SAFETY: below `count`.
    unsafe (0..<table.pointee.count).map { unsafe entries[$0].region }
  }

  /// Maps one more region from `file`. Nothing changes when it is refused.
  package func add(_ region: MemoryRegion, of file: Descriptor) throws(MemoryFault) {
    try Self.check(region, beside: regions)
    install(regions + [region], mappings + [try Self.map(region, of: file, tear)])
  }

  /// Removes the region at these addresses with this size (vhost-user REM_MEM_REG).
  package func remove(_ region: MemoryRegion) throws(MemoryFault) {
    let found = regions.firstIndex {
      $0.guestAddress == region.guestAddress && $0.userAddress == region.userAddress
        && $0.byteCount == region.byteCount
    }
    guard let found else { throw .noSuchRegion }
    var (regions, mappings) = (regions, mappings)
    regions.remove(at: found)
    mappings.remove(at: found)
    install(regions, mappings)
  }

  /// Forgets every region, and with them that one was torn.
  package func removeAll() {
    install([], [])
    tear.lower()
  }

  /// Exchanges the whole table (vhost-user SET_MEM_TABLE). Nothing changes when it is refused.
  package func replace(with list: [(MemoryRegion, Descriptor)]) throws(MemoryFault) {
    var accepted: [MemoryRegion] = []
    var mapped: [Mapping] = []
    for (region, file) in list {
      try Self.check(region, beside: accepted)
      accepted.append(region)
      mapped.append(try Self.map(region, of: file, tear))
    }
    install(accepted, mapped)
    // What was torn is gone; if the new memory is torn too, its first use says so.
    tear.lower()
  }

  private static func check(
    _ region: MemoryRegion, beside others: [MemoryRegion]
  ) throws(MemoryFault) {
    guard others.count < regionsMax else { throw .tooManyRegions }
    guard region.isWellFormed else { throw .malformedRegion }
    guard !others.contains(where: { $0.overlaps(region) }) else { throw .overlappingRegion }
  }

  /// A regular file must hold the whole region now; later shrinking is the guard's business.
  private static func map(
    _ region: MemoryRegion, of file: Descriptor, _ tear: TearFlag
  ) throws(MemoryFault) -> Mapping {
    let known: FileFacts
    do { known = try facts(of: file) } catch { throw .notMapped(error) }
    guard known.kind != .regular || known.byteCount >= region.fileOffset + region.byteCount
    else { throw .fileTooShort }
    do {
      return try Mapping(
        file, at: region.fileOffset, byteCount: region.byteCount, isWritable: true, tear: tear)
    } catch { throw .notMapped(error) }
  }

  /// No address is in its last hit, so the base of that is never looked at.
  private static func emptyTable(_ base: UnsafeMutablePointer<Entry>) -> Table {
    unsafe Table(lastHit: Stretch(guestAddress: 0, byteCount: 0, base: base))
  }

  private func install(_ regions: [MemoryRegion], _ mappings: [Mapping]) {
    // SAFETY: at most `regionsMax`, for `check` counted them; `mappings` keeps the bases alive.
    for (index, region) in regions.enumerated() {
      let entry = unsafe Entry(region: region, base: mappings[index].base)
      unsafe (entries + index).initialize(to: entry)
    }
    unsafe table.pointee = Self.emptyTable(entries)
    unsafe table.pointee.count = regions.count
    self.mappings = mappings
  }
}

// MARK: - Lookup

extension GuestMemory {
  /// The bytes at a guest address, and how many follow in the same region; nil outside.
  ///
  /// The region of the last hit is tried first: a guest's buffers lie in one region nearly always.
  @inlinable @inline(__always)
  func locate(_ address: UInt64) -> (base: UnsafeMutableRawPointer, count: UInt64)? {
    // SAFETY: the offset is inside the stretch, which is mapped.
    let offset = unsafe address &- table.pointee.lastHit.guestAddress
    let byteCount = unsafe table.pointee.lastHit.byteCount
    guard offset < byteCount else { return unsafe search(address) }
    let base = unsafe table.pointee.lastHit.base
    return unsafe (base + Int(truncatingIfNeeded: offset), byteCount &- offset)
  }

  @inline(never) @usableFromInline
  func search(_ address: UInt64) -> (base: UnsafeMutableRawPointer, count: UInt64)? {
    // SAFETY: below `count`; the offset is inside the region.
    for index in unsafe 0..<table.pointee.count {
      let entry = unsafe entries[index]
      let offset = address &- entry.region.guestAddress
      if offset < entry.region.byteCount {
        unsafe table.pointee.lastHit = Stretch(
          guestAddress: entry.region.guestAddress, byteCount: entry.region.byteCount,
          base: entry.base)
        return unsafe (entry.base + Int(offset), entry.region.byteCount - offset)
      }
    }
    return nil
  }

  /// The next stretch of a guest range that lies in one region, at most `count` bytes long.
  @inline(__always)
  func readable(
    _ address: GuestAddress, _ count: UInt64
  ) throws(MemoryFault) -> UnsafeMutableRawBufferPointer {
    guard let found = unsafe locate(address.rawValue) else {
      throw .outside(address: address.rawValue, byteCount: count)
    }
    // SAFETY: `locate` answers how many bytes follow.
    return unsafe UnsafeMutableRawBufferPointer(
      start: found.base, count: Int(min(found.count, count)))
  }

  /// As `locate`, for bytes about to be written. Payload is written to a guest's memory only through
  /// what this answers, so it is where dirty pages are to be noted.
  @inlinable @inline(__always)
  func locateToWrite(_ address: UInt64) -> (base: UnsafeMutableRawPointer, count: UInt64)? {
    unsafe locate(address)
  }

  /// As `readable`, for bytes about to be written.
  @inline(__always)
  func writable(
    _ address: GuestAddress, _ count: UInt64
  ) throws(MemoryFault) -> UnsafeMutableRawBufferPointer {
    guard let found = unsafe locateToWrite(address.rawValue) else {
      throw .outside(address: address.rawValue, byteCount: count)
    }
    // SAFETY: `locateToWrite` answers how many bytes follow.
    return unsafe UnsafeMutableRawBufferPointer(
      start: found.base, count: Int(min(found.count, count)))
  }

  /// A window on a ring, by an address in the front end's own space (vhost-user SET_VRING_ADDR).
  ///
  /// It must lie in one region and start at a multiple of `alignment`.
  package func window(
    userAddress: UInt64, byteCount: Int, alignment: Int
  ) throws(MemoryFault) -> SharedWindow {
    // SAFETY: the index is below `count`, and `mappings` has as many elements.
    for index in unsafe 0..<table.pointee.count {
      let region = unsafe entries[index].region
      let offset = userAddress &- region.userAddress
      guard offset < region.byteCount else { continue }
      guard region.byteCount - offset >= UInt64(byteCount) else {
        throw .divided(address: userAddress)
      }
      let window = SharedWindow(mappings[index], at: Int(offset), byteCount: byteCount)
      guard userAddress % UInt64(alignment) == 0, window.isAligned(to: alignment) else {
        throw .misaligned(address: userAddress)
      }
      return window
    }
    throw .outside(address: userAddress, byteCount: UInt64(byteCount))
  }

  /// As `window(userAddress:byteCount:alignment:)`, by a guest physical address.
  package func window(
    guestAddress: GuestAddress, byteCount: Int, alignment: Int
  ) throws(MemoryFault) -> SharedWindow {
    // SAFETY: as above.
    for index in unsafe 0..<table.pointee.count {
      let region = unsafe entries[index].region
      let offset = guestAddress.rawValue &- region.guestAddress
      guard offset < region.byteCount else { continue }
      return try window(
        userAddress: region.userAddress + offset, byteCount: byteCount, alignment: alignment)
    }
    throw .outside(address: guestAddress.rawValue, byteCount: UInt64(byteCount))
  }
}
