internal import Model

extension ConfigTree {
  /// The socket as a front end is told to find it: by the tree's own link.
  func socketPath(of name: Name) -> String { "\(world.mountPoint)/devices/\(name.text)/socket" }

  /// Arguments to paste, each line with what it is for above it.
  func connectText(_ device: Device) -> String {
    guard let table = layout(of: device)?.table else { return "" }
    let path = socketPath(of: device.name)
    // Device names may hold what QEMU's ids may not; numbers never do.
    let chardev = "vbus\(device.id.rawValue)"
    let qemuPath = path.split(separator: ",", omittingEmptySubsequences: false)
      .joined(separator: ",,")
    // Linux splits its command line at spaces, and the argument at colons.
    let uml =
      path.contains { $0 == ":" || $0.isWhitespace || $0 == "\"" }
      ? "# (not possible: the socket's path has a colon, a space or a quotation mark)"
      : quoted("virtio_uml.device=\(path):\(table.virtioID)")
    return """
      # QEMU, once for a machine: guest memory that can be shared; size as with -m
      -object memory-backend-memfd,id=mem,size=256M,share=on -numa node,memdev=mem
      # QEMU, this device
      -chardev \(quoted("socket,id=\(chardev),path=\(qemuPath)")) \
      \(table.qemuArguments(chardev, table.values(of: device)))
      # User-Mode Linux, this device
      \(uml)

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
    let parts = word.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: "'\\''") + "'"
  }
}
