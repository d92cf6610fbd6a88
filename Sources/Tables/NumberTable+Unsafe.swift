/// Values by a number of ours (object ids, handles, tokens): a hash table like `Dictionary`, for
/// what is looked up with each request.
///
/// It differs in three ways. Numbers that nobody else chooses need no keyed hash, which costs
/// `Dictionary` some 200 instructions for each look-up. A value has a place, at which parts of it
/// are read without a copy of the whole. And it is an object: a look-up counts no references and
/// checks no access. The order of values is not that of insertion.
///
/// Not shared between threads.
// SAFETY, for all of it: `unsafe` on a variable only says that the language does not check for
// overlapping access, which was two thirds of a look-up. There is none: while a member is written
// nothing is called that could come back to the table. A value that is replaced or removed ends
// after that, and whoever reads or writes at a value's place has only that value in hand, and does
// not add or remove one meanwhile. Values lie in memory of the table's own, `count` of them
// initialized, and every place is checked against that.
@safe public final class NumberTable<Value> {
  /// For each bucket 1 more than a place, or 0. At most half of the buckets are taken, so that a
  /// search ends.
  @exclusivity(unchecked) @usableFromInline var buckets: [UInt32] = []
  /// How far the product of `home(of:)` is shifted to give a bucket.
  @exclusivity(unchecked) @usableFromInline var shift: UInt64 = 64
  @exclusivity(unchecked) @usableFromInline var numbers: [UInt64] = []
  /// Not an array, of which each look at a part of a value would copy the whole.
  @exclusivity(unchecked) @usableFromInline
  var contents = unsafe UnsafeMutableBufferPointer<Value>(start: nil, count: 0)
  /// The place that was found last: one request asks for one number several times.
  @exclusivity(unchecked) @usableFromInline var recent = 0

  /// Makes an empty table, which takes no memory.
  @inlinable public init() {}

  deinit {
    unsafe contents[..<count].deinitialize()
    unsafe contents.deallocate()
  }

  /// How many values there are.
  @inlinable public var count: Int { unsafe numbers.count }

  /// Whether there is none.
  @inlinable public var isEmpty: Bool { unsafe numbers.isEmpty }

  /// All values, in no order.
  @inlinable public var values: [Value] { unsafe Array(contents[..<count]) }

  /// All numbers, in the order of `values`.
  @inlinable public var keys: [UInt64] { unsafe numbers }

  /// Where the value of a number is, until one is removed.
  @inlinable public func place(of number: UInt64) -> Int? {
    if unsafe recent < numbers.count && numbers[recent] == number { return unsafe recent }
    return search(number)
  }

  @usableFromInline func search(_ number: UInt64) -> Int? {
    guard unsafe !buckets.isEmpty else { return nil }
    let mask = unsafe buckets.count &- 1
    var bucket = home(of: number)
    while true {
      let entry = unsafe buckets[bucket]
      guard entry != 0 else { return nil }
      let place = Int(entry) &- 1
      if unsafe numbers[place] == number {
        unsafe recent = place
        return place
      }
      bucket = (bucket &+ 1) & mask
    }
  }

  /// The value at a place that `place(of:)` gave.
  @inlinable public subscript(at place: Int) -> Value {
    unsafeAddress { unsafe UnsafePointer(pointer(to: place)) }
    unsafeMutableAddress { unsafe pointer(to: place) }
  }

  @inlinable func pointer(to place: Int) -> UnsafeMutablePointer<Value> {
    precondition(place >= 0 && place < count)
    return unsafe contents.baseAddress.unsafelyUnwrapped + place
  }

  /// The value of a number; `nil` takes it away.
  @inlinable public subscript(number: UInt64) -> Value? {
    get { place(of: number).map { self[at: $0] } }
    set {
      guard let newValue else {
        _ = remove(number)
        return
      }
      if let place = place(of: number) {
        var value = newValue
        swap(&self[at: place], &value)
      } else {
        append(newValue, for: number)
      }
    }
  }

  /// The same by a number that is a type of its own.
  @inlinable public subscript(number: some RawRepresentable<UInt64>) -> Value? {
    get { self[number.rawValue] }
    set { self[number.rawValue] = newValue }
  }

  /// The place of a number, with `value` there when it had none.
  @inlinable public func place(
    of number: UInt64, inserting value: @autoclosure () -> Value
  ) -> Int {
    if let place = place(of: number) { return place }
    append(value(), for: number)
    return count - 1
  }

  /// Takes a value away and answers it. The last value takes its place.
  @inlinable public func remove(_ number: UInt64) -> Value? {
    guard let place = place(of: number) else { return nil }
    let last = count - 1
    empty(bucket(of: place))
    if place != last {
      unsafe buckets[bucket(of: last)] = UInt32(place) + 1
      unsafe numbers.swapAt(place, last)
      unsafe contents.swapAt(place, last)
    }
    let value = unsafe pointer(to: last).move()
    unsafe numbers.removeLast()
    return value
  }

  // Fibonacci hashing: numbers in a row come to lie far from each other.
  @inlinable func home(of number: UInt64) -> Int {
    unsafe Int(truncatingIfNeeded: (number &* 0x9E37_79B9_7F4A_7C15) &>> shift)
  }

  /// The bucket that leads to a place.
  @inlinable func bucket(of place: Int) -> Int {
    var bucket = unsafe home(of: numbers[place])
    while unsafe buckets[bucket] != UInt32(place) + 1 {
      bucket = unsafe (bucket + 1) & (buckets.count - 1)
    }
    return bucket
  }

  @inlinable func append(_ value: Value, for number: UInt64) {
    if unsafe count == contents.count { makeRoom() }
    unsafe contents.initializeElement(at: count, to: value)
    unsafe numbers.append(number)
    if unsafe 2 * count > buckets.count { grow() } else { lead(to: count - 1) }
  }

  @inlinable func lead(to place: Int) {
    var bucket = unsafe home(of: numbers[place])
    while unsafe buckets[bucket] != 0 { bucket = unsafe (bucket + 1) & (buckets.count - 1) }
    unsafe buckets[bucket] = UInt32(place) + 1
  }

  @usableFromInline func makeRoom() {
    let larger = UnsafeMutableBufferPointer<Value>.allocate(capacity: max(4, 2 * count))
    _ = unsafe larger.moveInitialize(fromContentsOf: contents[..<count])
    unsafe contents.deallocate()
    unsafe contents = larger
  }

  @usableFromInline func grow() {
    let count = unsafe max(8, 2 * buckets.count)
    unsafe buckets = Array(repeating: 0, count: count)
    unsafe shift = UInt64(64 - count.trailingZeroBitCount)
    for place in unsafe numbers.indices { lead(to: place) }
  }

  /// Empties a bucket and moves back what lies behind it and belongs before, so that no search
  /// ends at the gap.
  @inlinable func empty(_ bucket: Int) {
    let mask = unsafe buckets.count - 1
    var gap = bucket
    var next = (gap + 1) & mask
    while unsafe buckets[next] != 0 {
      let home = unsafe home(of: numbers[Int(buckets[next]) - 1])
      if (next - home) & mask >= (next - gap) & mask {
        unsafe buckets[gap] = unsafe buckets[next]
        gap = next
      }
      next = (next + 1) & mask
    }
    unsafe buckets[gap] = 0
  }
}

extension NumberTable: Equatable where Value: Equatable {
  public static func == (left: NumberTable<Value>, right: NumberTable<Value>) -> Bool {
    unsafe left.count == right.count && left.numbers.allSatisfy { left[$0] == right[$0] }
  }
}
