internal import VbusLink

/// The limits of the stream protocol, each with its reason.
package enum StreamLimits {
  /// The longest message: the data of a call, and what stands before it.
  package static let messageByteCountMax = Int(VbusLink.Limits.callByteCountMax) + 64
  /// Messages on their way that the peer has not confirmed: what is kept to be sent again. A line
  /// of 100 MB/s with 10 ms there and back is filled.
  package static let windowByteCount = 1 << 20
  package static let windowCount = 4096
  /// Bytes that are passed over in search of the peer's greeting: what a line that does not hang up
  /// still had under way.
  package static let skippedByteCountMax = 2 << 20
  /// Payload of a ring that one message carries.
  package static let pieceByteCount = 1 << 16
  /// The longest chain, and what one ring may have with the host at a time. Linux' drivers send
  /// less than a megabyte at once.
  package static let chainByteCountMax = 16 << 20
  /// Chains of one ring with the host at a time: what the largest ring holds.
  package static let chainCountMax = 32768
  /// Shared memories of one session.
  package static let sharesMax = 1024
  /// Devices that one session has open.
  package static let devicesMax = 1024
  /// The memory behind a share that is no ring: an event pool has 48 KiB.
  package static let shareByteCountMax = 16 << 20
  /// What one end tells the other at the end of the session.
  package static let sentenceByteCountMax = 200
}
