internal import CLinux
internal import Glibc

/// Nanoseconds of the clock that never jumps, CLOCK_MONOTONIC.
package func monotonicNanoseconds() -> UInt64 { linux_monotonic_nanoseconds() }

/// Nanoseconds since 1970, CLOCK_REALTIME.
package func realtimeNanoseconds() -> UInt64 { linux_realtime_nanoseconds() }

/// Sleeps. Not for event loops.
package func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }
