package import SharedMemory
internal import Vbus
package import Virtio

/// A split virtqueue as one shared memory: a head of 64 bytes with a shm-signal, then descriptors,
/// available ring and used ring (VIRTIO 1.2 section 2.7), each behind the other at its alignment.
/// Its magic number tells it from an ioq.
package enum VirtqueueLayout {
  package static let headerByteCount = 64
  /// Of the memory's address; descriptors need it (section 2.7).
  package static let alignment = 16

  /// `vqrg`, the first letter lowest.
  package static let magicNumber: UInt32 = 0x6772_7176
  package static let versionNumber: UInt32 = 1

  package static let magic = 0
  package static let version = 4
  /// The shm-signal of both directions, where an ioq has it too.
  package static let signal = 8
  /// The number of entries.
  package static let count = 24

  package static let descriptors = headerByteCount

  package static func available(_ size: QueueSize) -> Int {
    descriptors + SplitLayout(size).descriptorsByteCount
  }

  package static func used(_ size: QueueSize) -> Int {
    (available(size) + SplitLayout(size).availableByteCount + 3) / 4 * 4
  }

  /// The exact length of the memory.
  package static func byteCount(_ size: QueueSize) -> Int {
    used(size) + SplitLayout(size).usedByteCount
  }

  /// Makes an empty queue of all of `window`, whatever was in it. Precondition: it has exactly its
  /// size and begins at a multiple of 16.
  package static func format(_ window: SharedWindow, size: QueueSize) {
    precondition(window.byteCount == byteCount(size))
    for offset in stride(from: 0, to: window.byteCount & ~7, by: 8) {
      window.storeRelaxed(UInt64(0), at: offset)
    }
    for offset in (window.byteCount & ~7)..<window.byteCount {
      window.storeRelaxed(UInt8(0), at: offset)
    }
    ShmSignalLayout.format(window, at: signal)
    window.storeRelaxed(UInt32(size.rawValue), at: count)
    window.storeRelaxed(versionNumber, at: version)
    // Last: what comes before it counts only with it.
    window.storeRelease(magicNumber, at: magic)
  }

  /// Checks a queue that the driver has formatted: numbers, size and exact length.
  package static func check(_ window: SharedWindow) throws(RingFault) -> QueueSize {
    guard window.byteCount >= headerByteCount else {
      throw .wrongShape(count: 0, byteCount: window.byteCount)
    }
    let magic = window.relaxed32(at: magic)
    guard magic == magicNumber else { throw .wrongMagic(magic) }
    let version = window.relaxed32(at: version)
    guard version == versionNumber else { throw .wrongVersion(version) }
    let count = window.relaxed32(at: count)
    guard let size = QueueSize(count), byteCount(size) == window.byteCount else {
      throw .wrongShape(count: count, byteCount: window.byteCount)
    }
    return size
  }
}
