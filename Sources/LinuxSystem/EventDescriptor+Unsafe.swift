internal import Glibc

/// Adds one to an eventfd. A full counter already wakes its reader, so no error matters here.
package func ringDoorbell(_ number: Int32) {
  var one: UInt64 = 1
  // SAFETY: eight bytes of a live local.
  _ = unsafe write(number, &one, 8)
}

/// Takes the count of a non-blocking eventfd; `false` when it was zero.
@discardableResult
package func clearDoorbell(_ number: Int32) -> Bool {
  var count: UInt64 = 0
  // SAFETY: eight bytes of a live local.
  return unsafe read(number, &count, 8) == 8
}
