internal import CLinux

// Parts of open files, for data paths: by number, which a data path copies once.

/// Makes a range read as zeros and gives its blocks back; `.notSupported` where that cannot be.
package func punchHole(_ file: Int32, at offset: UInt64, byteCount: UInt64) throws(Errno) {
  _ = try checked(linux_punch_hole(file, offset, byteCount))
}

/// Makes a range read as zeros and keeps its blocks; `.notSupported` where that cannot be.
package func zeroRange(_ file: Int32, at offset: UInt64, byteCount: UInt64) throws(Errno) {
  _ = try checked(linux_zero_range(file, offset, byteCount))
}

/// Writes zeros: always possible, and as slow as writing.
package func writeZeros(_ file: Int32, at offset: UInt64, byteCount: UInt64) throws(Errno) {
  _ = try checked(linux_write_zeros(file, offset, byteCount))
}

/// Waits until what was written is on stable storage, fdatasync(2).
package func synchronizeData(_ file: Int32) throws(Errno) {
  _ = try checked(linux_synchronize_data(file))
}
