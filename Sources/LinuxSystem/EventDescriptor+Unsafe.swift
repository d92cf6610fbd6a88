internal import CLinux
internal import Glibc

/// Adds one to an eventfd. A full counter already wakes its reader, so no error matters here. One that
/// is full and waits for room, as whoever shares it may have it, keeps who rings: see
/// `lookAfterBells`.
package func ringDoorbell(_ number: Int32) { linux_ring(number) }

/// Has a thread look after this one, which alone rings bells of strangers: where that waits, it is
/// interrupted within a tenth of a second, and the bell rings nobody any more. Once, before the
/// process is confined.
package func lookAfterBells() throws(Errno) { _ = try checked(linux_look_after_bells()) }

/// Takes the count of a non-blocking eventfd; `false` when it was zero.
@discardableResult
package func clearDoorbell(_ number: Int32) -> Bool {
  var count: UInt64 = 0
  // SAFETY: eight bytes of a live local.
  return unsafe read(number, &count, 8) == 8
}
