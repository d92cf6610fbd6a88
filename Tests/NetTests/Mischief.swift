import LinuxSystem
import RingDriver
import SharedMemory
import Synchronization

/// What a guest's other processor does: writes to its memory while a device reads it.
final class Mischief: Sendable {
  private let isOver = Atomic(false)

  /// Begins to write each of these bytes to its place, again and again, until `end`.
  func begin(in memory: DriverMemory, _ deeds: [(bytes: [UInt8], place: Int)]) throws -> Thread {
    let (file, byteCount) = (memory.file, memory.bytes.byteCount)
    return try Thread { [self] in
      guard let memory = try? SharedFile(mapping: file, byteCount: byteCount, writable: true)
      else { return }
      while !isOver.load(ordering: .relaxed) {
        for deed in deeds { memory.setBytes(deed.bytes, at: deed.place) }
      }
    }
  }

  func end() { isOver.store(true, ordering: .relaxed) }
}
