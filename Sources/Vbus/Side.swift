/// The two ends of shared memory (shm-signal, ioq): north owns the memory, which is a guest's;
/// south is the other, the host.
package enum Side: UInt8, Sendable {
  case north = 0
  case south = 1

  package var opposite: Side { self == .north ? .south : .north }
}
