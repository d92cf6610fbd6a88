/// A list in memory of its own, without a copy, a reference count or a uniqueness check: the
/// scratch of data paths. It grows only by `reserve`, so that its owner decides when to allocate.
@safe
public struct FixedList<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline var storage: UnsafeMutablePointer<Element>
  public private(set) var capacity: Int
  @usableFromInline var filled = 0
  /// What is where nothing was put yet.
  private let blank: Element

  package init(_ blank: Element, capacity: Int) {
    precondition(capacity > 0)
    // SAFETY: freed in deinit or when `reserve` replaces it; all of it is initialised.
    unsafe storage = .allocate(capacity: capacity)
    unsafe storage.initialize(repeating: blank, count: capacity)
    self.capacity = capacity
    self.blank = blank
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

  /// Puts an element to a place, for a list that is filled anew; it is in the list once `fill` says
  /// so. False where there is no place. So the count is no store for each element.
  @inlinable @inline(__always)
  public mutating func put(_ element: Element, at index: Int) -> Bool {
    guard index >= 0 && index < capacity else { return false }
    // SAFETY: below `capacity`.
    unsafe storage[index] = element
    return true
  }

  /// The list is what lies at the first places.
  @inlinable @inline(__always)
  public mutating func fill(_ count: Int) {
    precondition(count >= 0 && count <= capacity)
    filled = count
  }

  /// Makes room for `capacity` elements; keeps those there are.
  package mutating func reserve(_ capacity: Int) {
    guard capacity > self.capacity else { return }
    // SAFETY: both hold at least `filled` elements, all initialised; the old memory is freed once.
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    unsafe larger.initialize(repeating: blank, count: capacity)
    unsafe larger.update(from: storage, count: filled)
    unsafe storage.deallocate()
    unsafe storage = larger
    self.capacity = capacity
  }
}
