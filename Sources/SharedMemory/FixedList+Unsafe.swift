/// A list in memory of its own, without a copy, a reference count or a uniqueness check: the
/// scratch of data paths. It grows only by `reserve`, so that its owner decides when to allocate.
@safe
public struct FixedList<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline var storage: UnsafeMutablePointer<Element>
  public private(set) var capacity: Int
  @usableFromInline var filled = 0

  package init(capacity: Int) {
    precondition(capacity > 0)
    // SAFETY: freed in deinit or when `reserve` replaces it; only `filled` elements are read.
    unsafe storage = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit { unsafe storage.deallocate() }

  @inlinable
  public var count: Int { filled }

  @inlinable
  public subscript(index: Int) -> Element {
    precondition(index >= 0 && index < filled)
    // SAFETY: below `filled`, so initialised.
    return unsafe storage[index]
  }

  /// Adds an element; false when the list is full.
  @inlinable
  public mutating func append(_ element: Element) -> Bool {
    guard filled < capacity else { return false }
    // SAFETY: below `capacity`.
    unsafe (storage + filled).initialize(to: element)
    filled &+= 1
    return true
  }

  @inlinable
  public mutating func removeAll() { filled = 0 }

  /// Makes room for `capacity` elements; keeps those there are.
  package mutating func reserve(_ capacity: Int) {
    guard capacity > self.capacity else { return }
    // SAFETY: both hold at least `filled` elements, and the old memory is freed once.
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    unsafe larger.moveInitialize(from: storage, count: filled)
    unsafe storage.deallocate()
    unsafe storage = larger
    self.capacity = capacity
  }
}
