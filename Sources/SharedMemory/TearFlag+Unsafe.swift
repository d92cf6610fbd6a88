internal import CLinux

/// A word that the SIGBUS handler raises when a file shrank behind one of the mappings that share
/// it. It lives as long as any of them, so the handler never writes to freed memory.
@safe
final class TearFlag {
  let word: UnsafeMutablePointer<UInt32>

  init() {
    // SAFETY: allocated here, initialised before use, freed in deinit only.
    unsafe word = .allocate(capacity: 1)
    unsafe word.initialize(to: 0)
  }

  deinit { unsafe word.deallocate() }

  /// SAFETY: the word lives as long as `self`; one relaxed load.
  var isRaised: Bool { unsafe linux_load32_relaxed(word) != 0 }

  /// SAFETY: as above; one relaxed store.
  func lower() { unsafe linux_store32_relaxed(word, 0) }

  /// SAFETY: the caller keeps `self` alive until the guard has been removed.
  func guarding(_ base: UnsafeMutableRawPointer, _ byteCount: Int, page: Int) -> Int32 {
    unsafe linux_guard_add(base, byteCount, page, word)
  }
}
