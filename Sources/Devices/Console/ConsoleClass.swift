package import Model

/// A serial console (VIRTIO 1.2 section 5.3), with one port.
package let consoleClass = DeviceClass(
  name: "console", interfaceType: "virtio-console", virtioID: 3,
  description: "A console: what the guest prints goes to a file, a terminal or a socket.",
  attributes: [
    AttributeSpec(
      "backend", .choice(["pty", "file", "socket"]), default: "pty",
      help: """
        Where the guest's output goes and its input comes from. pty: a terminal of the host, whose \
        name pty shows. file: the output is added to the file at path; there is no input. socket: \
        the UNIX stream socket at path.
        """),
    AttributeSpec(
      "path", .path, default: "",
      help: """
        The file, which is made if missing, or the socket that a program listens on; opened with \
        the rights of who wrote this. A link as the last component is not followed.
        """),
    AttributeSpec(
      "pty", .text(byteCountMax: 63), default: "", window: .never, showsFact: true,
      help: """
        The terminal of backend pty, /dev/pts/3, while the device is enabled. It belongs to who \
        wrote backend, and to the device's owner where nobody did.
        """),
    AttributeSpec(
      "columns", .number(1...65535), default: "80", window: .live,
      help: "The width the guest is told, in characters."),
    AttributeSpec(
      "rows", .number(1...65535), default: "25", window: .live,
      help: "The height the guest is told, in characters."),
  ],
  features: [
    FeatureSpec(0, "size", help: "The guest is told columns and rows."),
    FeatureSpec(28, "indirect_desc", help: "A buffer may take one ring entry whatever its parts."),
    FeatureSpec(29, "event_idx", help: "Each side says when it next wants to be woken."),
    FeatureSpec(32, "version_1", help: "The standard interface. Cannot be masked."),
  ],
  counters: [
    CounterSpec("rx_bytes", help: "Bytes of input the guest got."),
    CounterSpec("tx_bytes", help: "Bytes the guest printed."),
    CounterSpec("dropped", help: "Bytes the guest printed that nobody took in time."),
  ],
  // receiveq and transmitq of port 0 (VIRTIO 1.2 section 5.3.2).
  queueCount: { _ in 2 },
  offerable: { _ in 1 | 1 << 28 | 1 << 29 | 1 << 32 },
  validate: { (values) throws(Refusal) in
    guard values["backend"] == "pty" || values["path"]?.isEmpty == false else {
      throw .missing(attribute: "path", because: "backend is \(values["backend"] ?? "")")
    }
  },
  qemuArguments: { chardev, _ in
    "-device vhost-user-device-pci,chardev=\(chardev),virtio-id=3,num_vqs=2,config_size=12"
  },
  qemuRemark: ", from version 9 on"
)
