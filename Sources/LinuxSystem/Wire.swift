/// Builds the bytes of a message: little-endian numbers, and texts with their length before them.
package struct WireWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  /// Most messages are shorter: they take memory once.
  private static let byteCountUsual = 256

  package init() { bytes.reserveCapacity(Self.byteCountUsual) }

  package mutating func put(_ value: UInt8) { bytes.append(value) }
  package mutating func put(_ value: UInt32) { append(UInt64(value), byteCount: 4) }
  package mutating func put(_ value: Int32) { put(UInt32(bitPattern: value)) }
  package mutating func put(_ value: UInt64) { append(value, byteCount: 8) }

  package mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    bytes += text.utf8
  }

  package mutating func put(_ data: [UInt8]) {
    put(UInt32(data.count))
    bytes += data
  }

  package mutating func put<Element>(
    _ list: [Element], _ one: (inout WireWriter, Element) -> Void
  ) {
    put(UInt32(list.count))
    for element in list { one(&self, element) }
  }

  private mutating func append(_ value: UInt64, byteCount: Int) {
    for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}

/// A number of at most eight bytes, the lowest first. Inlined, for unspecialised it takes a call's
/// half.
@inlinable
package func littleEndian(_ bytes: some Sequence<UInt8>) -> UInt64 {
  var value: UInt64 = 0
  for (index, byte) in bytes.prefix(8).enumerated() { value |= UInt64(byte) << (8 * index) }
  return value
}

/// So many of a number's bytes, the lowest first.
@inlinable
package func littleEndian(_ number: some FixedWidthInteger, byteCount: Int) -> [UInt8] {
  (0..<byteCount).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

/// A message that ends too early, or says something impossible.
package struct WireError: Error, Equatable {
  package init() {}
}

/// Takes a message apart in the order in which `WireWriter` built it. Never reads past the end.
package struct WireReader: Sendable {
  private let bytes: [UInt8]
  private var position = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isAtEnd: Bool { position == bytes.count }

  package mutating func byte() throws(WireError) -> UInt8 { UInt8(try number(byteCount: 1)) }
  package mutating func uint32() throws(WireError) -> UInt32 { UInt32(try number(byteCount: 4)) }
  package mutating func int32() throws(WireError) -> Int32 { Int32(bitPattern: try uint32()) }
  package mutating func uint64() throws(WireError) -> UInt64 { try number(byteCount: 8) }
  package mutating func text() throws(WireError) -> String {
    String(decoding: bytes[try part()], as: UTF8.self)
  }

  package mutating func data() throws(WireError) -> [UInt8] { Array(bytes[try part()]) }

  /// A list; each element takes at least one byte, so the bytes at hand bound its length.
  package mutating func list<Element>(
    _ one: (inout WireReader) throws(WireError) -> Element
  ) throws(WireError) -> [Element] {
    let count = Int(try uint32())
    guard count <= bytes.count - position else { throw WireError() }
    var list: [Element] = []
    for _ in 0..<count { list.append(try one(&self)) }
    return list
  }

  /// Where bytes lie that have their length before them.
  private mutating func part() throws(WireError) -> Range<Int> {
    let count = Int(try uint32())
    guard count <= bytes.count - position else { throw WireError() }
    defer { position += count }
    return position..<(position + count)
  }

  private mutating func number(byteCount: Int) throws(WireError) -> UInt64 {
    guard bytes.count - position >= byteCount else { throw WireError() }
    var value: UInt64 = 0
    for index in 0..<byteCount { value |= UInt64(bytes[position + index]) << (8 * index) }
    position += byteCount
    return value
  }
}
