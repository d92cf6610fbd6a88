@_exported public import Rings
package import SharedMemory

/// Shared bytes as the rules of this module see them: single words, each access atomic.
///
/// `SharedWindow` is the one that ships. The rules are generic over this, so that a test can run
/// the very same code a step at a time, in every order in which two processors can take steps.
/// Offsets are ours, never a peer's.
package protocol Words {
  var byteCount: Int { get }

  func relaxed8(at offset: Int) -> UInt8
  func relaxed32(at offset: Int) -> UInt32
  func relaxed64(at offset: Int) -> UInt64
  func acquire8(at offset: Int) -> UInt8

  func storeRelaxed(_ value: UInt8, at offset: Int)
  func storeRelaxed(_ value: UInt32, at offset: Int)
  func storeRelaxed(_ value: UInt64, at offset: Int)
  func storeRelease(_ value: UInt8, at offset: Int)
  func storeRelease(_ value: UInt32, at offset: Int)

  /// Orders every access before it with every access after it, for all processors.
  func fence()
}

extension SharedWindow: Words {
  package func fence() { fullFence() }
}
