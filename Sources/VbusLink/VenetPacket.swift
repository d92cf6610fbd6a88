/// The header that a descriptor points to once `VenetScatterGather.scatterGather` was negotiated,
/// as a C compiler lays it out on 64-bit machines: each number at a multiple of its size.
///
///      0  cookie            u64   the driver's; told in `VenetEvents.transmitComplete`
///      8  flags             u32   `Flags`
///     12  bytes of frame    u32
///     16  checksum start    u16   where the summed bytes begin
///     18  checksum offset   u16   where the sum goes, from there
///     20  segmentation      u8    `Segmentation`, and a byte of padding
///     22  bytes of headers  u16   before the data that is cut
///     24  bytes of segment  u16   and 2 bytes of padding
///     28  count of parts    u32
///     32  parts             count × 16: bytes u32, 4 bytes of padding, address u64
///
/// With one part that is 48 bytes. The parts together have exactly the bytes of the frame.
///
/// In the receive queue a driver posts a header whose parts are empty buffers; only their count,
/// bytes and addresses are read. The host fills the parts in order, then writes flags, bytes of the
/// frame, checksum and segmentation, and shortens the parts to what is in them: the header is then
/// what the same frame would be sent with.
package enum VenetPacket {
  package static let flags = 8
  package static let frameByteCount = 12
  package static let checksumStart = 16
  package static let checksumOffset = 18
  package static let segmentation = 20
  package static let headerByteCount = 22
  package static let segmentByteCount = 24
  package static let partCount = 28
  package static let parts = 32

  package static let partByteCount = 16
  /// Where a part's address is, behind its bytes.
  package static let partAddress = 8

  /// Four times the pages of the largest packet.
  package static let partsMax = 64

  /// The whole header's length.
  package static func byteCount(parts count: Int) -> Int { parts + count * partByteCount }

  package enum Flags {
    package static let needsChecksum: UInt32 = 1
    package static let isSegmented: UInt32 = 2
    package static let ecn: UInt32 = 4
  }

  package enum Segmentation: UInt8, Sendable {
    case tcp4 = 0
    case udp = 1
    case tcp6 = 2
  }
}
