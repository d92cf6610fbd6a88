internal import Glibc

/// A pipe's two ends, pipe(2). Children have only what `spawn` is told to give them.
package func makePipe() throws(Errno) -> (reading: Descriptor, writing: Descriptor) {
  var ends: [Int32] = [-1, -1]
  // SAFETY: the array holds the two numbers the call writes.
  guard unsafe pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
  return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
}
