internal import Virtio

/// The types of requests that a disk knows (VIRTIO 1.2 section 5.2.6).
enum BlkRequestType {
  static let read: UInt32 = 0
  static let write: UInt32 = 1
  static let flush: UInt32 = 4
  static let getID: UInt32 = 8
  static let discard: UInt32 = 11
  static let writeZeroes: UInt32 = 13
}

/// How a request ended: its status byte.
enum BlkStatus: UInt8 {
  case ok = 0
  case failed = 1
  case unsupported = 2
}

/// The fixed part of a request: type, a reserved word, sector.
struct BlkHeader {
  static let byteCount: UInt64 = 16

  let type: UInt32
  let sector: UInt64

  init(_ bytes: borrowing Span<UInt8>) {
    type = UInt32(truncatingIfNeeded: number(bytes, at: 0, byteCount: 4))
    sector = number(bytes, at: 8, byteCount: 8)
  }
}

/// One range of a discard or write zeroes request.
struct BlkRange {
  static let byteCount = 16

  let sector: UInt64
  let sectorCount: UInt32
  let flags: UInt32

  init(_ bytes: borrowing Span<UInt8>, at offset: Int) {
    sector = number(bytes, at: offset, byteCount: 8)
    sectorCount = UInt32(truncatingIfNeeded: number(bytes, at: offset + 8, byteCount: 4))
    flags = UInt32(truncatingIfNeeded: number(bytes, at: offset + 12, byteCount: 4))
  }

  var mayUnmap: Bool { flags & 1 != 0 }
  var hasUnknownFlags: Bool { flags & ~1 != 0 }
}

/// A little-endian number.
private func number(
  _ bytes: borrowing Span<UInt8>, at offset: Int, byteCount: Int
) -> UInt64 {
  var value: UInt64 = 0
  for index in (offset..<(offset + byteCount)).reversed() {
    value = value << 8 | UInt64(bytes[index])
  }
  return value
}
