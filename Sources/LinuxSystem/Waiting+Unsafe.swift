internal import Glibc

/// Waits until a descriptor is readable (or writable), its other end is gone, or time is up;
/// `false` when time was up. -1 milliseconds wait for ever.
package func wait(
  for readiness: Readiness = .readable, on descriptor: Descriptor, milliseconds: Int32
) -> Bool {
  var entry = pollfd(
    fd: descriptor.number, events: Int16(truncatingIfNeeded: readiness.rawValue), revents: 0)
  // SAFETY: one live local entry. An interrupted wait counts as ready: callers look again.
  return unsafe poll(&entry, 1, milliseconds) != 0
}
