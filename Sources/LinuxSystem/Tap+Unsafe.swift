internal import CLinux

/// Opens a tap interface that speaks the virtio header of 12 bytes before each frame. It is made if
/// there is none of the name, and then lasts as long as the descriptor or a duplicate of it.
/// `name` may have a `%d`; the second answer is the real one. The descriptor does not wait.
package func openTap(named name: String) throws(Errno) -> (Descriptor, name: String) {
  let tun = try open("/dev/net/tun", [.readWrite, .nonblocking])
  var bytes = try interfaceNameBytes(name)
  // SAFETY: the array has the 16 bytes that the kernel reads and writes.
  let answer = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
    unsafe linux_tap_attach(tun.number, buffer.baseAddress)
  }
  _ = try checked(answer)
  return (tun, text(of: bytes))
}

/// The name of an open tap; `badState` when the interface is gone.
package func tapName(_ tap: Descriptor) throws(Errno) -> String {
  var bytes = [CChar](repeating: 0, count: interfaceNameRoom)
  // SAFETY: as above.
  let answer = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
    unsafe linux_tap_name(tap.number, buffer.baseAddress)
  }
  _ = try checked(answer)
  return text(of: bytes)
}

/// IFNAMSIZ.
private let interfaceNameRoom = 16

private func interfaceNameBytes(_ name: String) throws(Errno) -> [CChar] {
  let bytes = name.utf8.map { CChar(bitPattern: $0) }
  guard bytes.count < interfaceNameRoom else { throw .nameTooLong }
  return bytes + [CChar](repeating: 0, count: interfaceNameRoom - bytes.count)
}

private func text(of bytes: [CChar]) -> String {
  String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
