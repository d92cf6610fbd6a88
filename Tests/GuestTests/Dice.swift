import LinuxSystem

/// Random numbers that can be had again: the seed is printed, and taken from VBUSFS_SEED.
struct Dice {
  private var state: UInt64

  init() {
    state = environmentValue("VBUSFS_SEED").flatMap { UInt64($0) } ?? monotonicNanoseconds()
    print("note: VBUSFS_SEED=\(state)")
  }

  /// A number in 0...limit, by xorshift.
  mutating func roll(upTo limit: UInt32) -> UInt32 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt32(truncatingIfNeeded: state >> 32) % (limit + 1)
  }
}
