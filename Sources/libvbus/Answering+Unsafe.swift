internal import CVbus

/// Runs a function of the library and answers as all of them do: its number, or the negated errno,
/// with the sentence kept for this thread.
func answering(_ body: () throws(CallFault) -> Int32) -> Int32 {
  do throws(CallFault) { return try body() } catch {
    // SAFETY: the string lives for the call, which copies it.
    unsafe vbus_set_error_text(error.sentence)
    return -error.errno
  }
}

/// What a pointer leads to, unless it is NULL.
func present<Pointee>(
  _ pointer: UnsafeMutablePointer<Pointee>?
) throws(CallFault) -> UnsafeMutablePointer<Pointee> {
  guard let pointer = unsafe pointer else { throw .nullPointer }
  return unsafe pointer
}

/// What a pointer leads to, unless it is NULL.
func present<Pointee>(
  _ pointer: UnsafePointer<Pointee>?
) throws(CallFault) -> UnsafePointer<Pointee> {
  guard let pointer = unsafe pointer else { throw .nullPointer }
  return unsafe pointer
}

/// The bytes that a program names; none need no pointer.
func bytes(_ pointer: UnsafeRawPointer?, _ count: Int) throws(CallFault) -> [UInt8] {
  guard count >= 0 else { throw .malformed }
  guard count > 0 else { return [] }
  guard let pointer = unsafe pointer else { throw .nullPointer }
  // SAFETY: the header says that so many bytes lie there; they are copied.
  return unsafe [UInt8](UnsafeRawBufferPointer(start: pointer, count: count))
}

/// Copies bytes to where a program wants them; none need no pointer.
func write(_ bytes: [UInt8], to pointer: UnsafeMutableRawPointer?) throws(CallFault) {
  guard !bytes.isEmpty else { return }
  guard let pointer = unsafe pointer else { throw .nullPointer }
  // SAFETY: the header says that there is room for as many bytes as were asked for.
  unsafe UnsafeMutableRawBufferPointer(start: pointer, count: bytes.count).copyBytes(from: bytes)
}
