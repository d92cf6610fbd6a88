/// What the host writes to the buffers that a driver posts to the event queue, and how the driver
/// learns of that queue.
///
/// Each event begins with flags (0), its whole length and its number, 32 bits each; numbers stand
/// at multiples of their size. The buffers lie in the event pool, which has exactly `byteCountMax`
/// bytes for each entry of the queue.
package enum VenetEvents {
  package static let flags = 0
  package static let byteCount = 4
  package static let number = 8
  package static let content = 12

  /// The cable is in (1) or out (0), a byte at `content`. Only the newest state is told; a driver
  /// takes it for in until it is told, and may be told again what it knows.
  package static let linkState: UInt32 = 0
  package static let linkStateByteCount = 16

  /// Frames were sent: the number of the queue, 32 bits at `content`, and the newest one's cookie,
  /// 64 bits at `cookie`. 0 where the cookie is not known, for a flat frame has none and a new
  /// engine has not seen it: the queue itself says which are back.
  package static let transmitComplete: UInt32 = 1
  package static let transmitCompleteByteCount = 24
  package static let cookie = 16

  /// The longest event: what each buffer has room for.
  package static let byteCountMax = 24

  /// The data of `VenetFunction.queryEvents`: flags, `byteCountMax`, and the ids of the shared
  /// memories of the pool and of the queue, 32 bits each.
  package enum Query {
    package static let flags = 0
    package static let eventByteCount = 4
    package static let pool = 8
    package static let queue = 12
  }
  package static let queryByteCount = 16
}
