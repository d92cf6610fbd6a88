/// What programs share at one moment, and where each of them is: one array, for millions of these
/// are kept.
struct World: Hashable {
  /// The shared bytes, eight a word, then a word for each program: its place in the lower half, the
  /// number of its list of waiting stores above, its bell on top.
  private var cells: [UInt64]
  private let byteCount: Int

  init(memory: [UInt8], programs: Int) {
    byteCount = (memory.count + 7) / 8 * 8
    cells = Array(repeating: 0, count: byteCount / 8 + programs)
    for (offset, byte) in memory.enumerated() { self[byte: offset] = byte }
  }

  subscript(byte offset: Int) -> UInt8 {
    get { UInt8(truncatingIfNeeded: cells[offset / 8] >> UInt64(offset % 8 * 8)) }
    set {
      let shift = UInt64(offset % 8 * 8)
      cells[offset / 8] = cells[offset / 8] & ~(0xff << shift) | UInt64(newValue) << shift
    }
  }

  private func cell(_ program: Int) -> Int { byteCount / 8 + program }

  func place(of program: Int) -> Int { Int(cells[cell(program)] & 0xffff_ffff) }

  mutating func setPlace(of program: Int, _ place: Int) {
    cells[cell(program)] = cells[cell(program)] & ~0xffff_ffff | UInt64(place)
  }

  func waiting(of program: Int) -> Int { Int(cells[cell(program)] >> 32 & 0x7fff_ffff) }

  mutating func setWaiting(of program: Int, _ list: Int) {
    cells[cell(program)] = cells[cell(program)] & ~(0x7fff_ffff << 32) | UInt64(list) << 32
  }

  func hasBell(_ program: Int) -> Bool { cells[cell(program)] >> 63 == 1 }

  mutating func setBell(of program: Int, _ isRung: Bool) {
    cells[cell(program)] = cells[cell(program)] & ~(1 << 63) | (isRung ? 1 << 63 : 0)
  }

  static func == (one: World, other: World) -> Bool { one.cells == other.cells }

  func hash(into hasher: inout Hasher) {
    var sum: UInt64 = 0
    for cell in cells {
      sum = (sum ^ cell) &* 0x9e37_79b9_7f4a_7c15
      sum ^= sum >> 29
    }
    hasher.combine(sum)
  }
}
