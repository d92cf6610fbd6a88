internal import Model

extension ConfigTree {
  /// The socket as a front end is told to find it: by the tree's own link.
  func socketPath(of name: Name) -> String { "\(world.mountPoint)/devices/\(name.text)/socket" }

  /// How long that is: asked for each new name, and most need no more.
  func socketPathByteCount(of name: Name) -> Int {
    world.mountPoint.utf8.count + "/devices/".utf8.count + name.bytes.count + "/socket".utf8.count
  }

  /// The same for a container's socket.
  func socketPathByteCount(ofContainer name: Name) -> Int {
    world.mountPoint.utf8.count + "/containers/".utf8.count + name.bytes.count
      + "/socket".utf8.count
  }

  /// Arguments to paste, each line with what it is for above it.
  func connectText(_ device: Device) -> String {
    guard let table = layout(of: device)?.table else { return "" }
    let path = socketPath(of: device.name)
    // Device names may hold what QEMU's ids may not; numbers never do.
    let chardev = "vbus\(device.id.rawValue)"
    let qemuPath = replacing(UInt8(ascii: ","), in: path, by: ",,")
    // Linux splits its command line at spaces, and the argument at colons.
    let uml =
      path.unicodeScalars.contains { $0 == ":" || $0.properties.isWhitespace || $0 == "\"" }
      ? "# (not possible: the socket's path has a colon, a space or a quotation mark)"
      : quoted("virtio_uml.device=\(path):\(table.virtioID)")
    let testpmd = table.testpmdArguments.map { arguments in
      let line =
        path.utf8.contains(UInt8(ascii: ","))
        ? "# (not possible: the socket's path has a comma)"
        : quoted("--vdev=" + arguments(path, table.values(of: device)))
      return "# DPDK's testpmd, this device\n\(line)\n"
    }
    return """
      # QEMU, once for a machine: guest memory that can be shared; size as with -m
      -object memory-backend-memfd,id=mem,size=256M,share=on -numa node,memdev=mem
      # QEMU, this device\(table.qemuRemark)
      -chardev \(quoted("socket,id=\(chardev),path=\(qemuPath)")) \
      \(table.qemuArguments(chardev, table.values(of: device)))
      # User-Mode Linux, this device
      \(uml)
      \(testpmd ?? "")
      """
  }

  /// As a shell takes it for one word.
  private func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "_-+./,:=@%".utf8.contains($0)
      }
    }
    if isPlain { return word }
    return "'" + replacing(UInt8(ascii: "'"), in: word, by: "'\\''") + "'"
  }

  /// Byte by byte, as a shell and QEMU read it: to Swift a quote and an accent after it are one
  /// character, and no quote.
  private func replacing(_ byte: UInt8, in text: String, by other: String) -> String {
    let bytes = text.utf8.flatMap { $0 == byte ? Array(other.utf8) : [$0] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
