internal import LinuxSystem

/// What a guest has printed and the host has not taken yet: a fixed number of bytes, of which the
/// oldest give way. Memory of its own, used again and again.
struct ConsoleOutput: ~Copyable {
  /// What a screen and its history hold, many times.
  static let capacity = 65536

  private var bytes = [UInt8](repeating: 0, count: ConsoleOutput.capacity)
  private var start = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// Adds the first `number` of some bytes. Answers how many old ones gave way.
  /// Precondition: no more than there can be.
  mutating func append(_ new: [UInt8], _ number: Int) -> Int {
    precondition(number <= Self.capacity)
    let lost = max(0, count + number - Self.capacity)
    removeFirst(lost)
    for index in 0..<number { bytes[(start + count + index) % Self.capacity] = new[index] }
    count += number
    return lost
  }

  /// Precondition: there are as many.
  mutating func removeFirst(_ number: Int) {
    precondition(number <= count)
    start = (start + number) % Self.capacity
    count -= number
  }

  mutating func removeAll() { count = 0 }

  /// Hands the oldest bytes to a file, once. Answers how many it took.
  mutating func write(to file: Int32) throws(Errno) -> Int {
    let end = min(start + count, Self.capacity)
    let taken = try writePart(of: bytes.span.extracting(start..<end), to: file)
    removeFirst(taken)
    return taken
  }
}
