internal import CLinux

/// Two connected ends of a UNIX stream socket, both non-blocking.
package func makeStreamPair() throws(Errno) -> (Descriptor, Descriptor) {
  var ends: [Int32] = [-1, -1]
  // SAFETY: the array holds the two numbers the call writes.
  _ = try checked(unsafe linux_stream_pair(&ends))
  return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
}
