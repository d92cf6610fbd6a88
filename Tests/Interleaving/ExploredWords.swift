internal import Vbus

/// The words that a program under exploration shares, with an error planted in them if need be.
package struct ExploredWords: Words {
  let replay: Replay
  package let byteCount: Int
  var mutation: Mutation?

  package func relaxed8(at offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: load(offset, 1)) }
  package func relaxed32(at offset: Int) -> UInt32 { UInt32(truncatingIfNeeded: load(offset, 4)) }
  package func relaxed64(at offset: Int) -> UInt64 { load(offset, 8) }
  package func acquire8(at offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: load(offset, 1)) }

  package func storeRelaxed(_ value: UInt8, at offset: Int) {
    store(UInt64(value), offset, 1, false)
  }
  package func storeRelaxed(_ value: UInt32, at offset: Int) {
    store(UInt64(value), offset, 4, false)
  }
  package func storeRelaxed(_ value: UInt64, at offset: Int) { store(value, offset, 8, false) }
  package func storeRelease(_ value: UInt8, at offset: Int) {
    store(UInt64(value), offset, 1, true)
  }
  package func storeRelease(_ value: UInt32, at offset: Int) {
    store(UInt64(value), offset, 4, true)
  }

  package func fence() {
    switch mutation {
    case .noFence: return
    case .noFenceBehind(let offset) where offset == replay.lastStored: return
    default: _ = replay.take(.fence)
    }
  }

  private func load(_ offset: Int, _ byteCount: Int) -> UInt64 {
    if let early = mutation?.early?.answer(at: offset) { return early }
    return replay.take(.load(offset: offset, byteCount: byteCount))
  }

  private func store(_ value: UInt64, _ offset: Int, _ byteCount: Int, _ isRelease: Bool) {
    if case .lost(offset, value) = mutation { return }
    if let early = mutation?.early, early.trigger == offset {
      for place in early.offsets {
        early.answers[place] = replay.take(.load(offset: place, byteCount: 1))
      }
    }
    replay.lastStored = offset
    _ = replay.take(
      .store(
        value, offset: offset, byteCount: byteCount,
        isRelease: isRelease && mutation != .noRelease))
  }
}
