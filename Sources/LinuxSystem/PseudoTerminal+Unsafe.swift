internal import CLinux

/// Makes a pseudo terminal that passes every byte as it is. The master does not wait. The terminal
/// belongs to the effective user; while it is held open the master never hangs up.
package func openTerminal() throws(Errno) -> (master: Descriptor, terminal: Descriptor) {
  var numbers: [Int32] = [-1, -1]
  // SAFETY: the array has room for two numbers.
  let answer = unsafe numbers.withUnsafeMutableBufferPointer { buffer in
    unsafe linux_open_terminal(buffer.baseAddress)
  }
  _ = try checked(answer)
  return (Descriptor(owning: numbers[0]), Descriptor(owning: numbers[1]))
}

/// Where people find the terminal, `/dev/pts/3`.
package func terminalName(_ master: Descriptor) throws(Errno) -> String {
  var bytes = [CChar](repeating: 0, count: 64)
  // SAFETY: the buffer has as many bytes as it says.
  let answer = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
    unsafe linux_terminal_name(master.number, buffer.baseAddress, buffer.count)
  }
  _ = try checked(answer)
  return String(
    decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Makes a terminal, a serial line for example, pass every byte as it is.
package func makeRaw(_ terminal: Descriptor) throws(Errno) {
  _ = try checked(linux_make_raw(terminal.number))
}
