package import Model

/// A source of random bytes (VIRTIO 1.2 section 5.4).
package let rngClass = DeviceClass(
  name: "rng", interfaceType: "virtio-rng", virtioID: 4,
  description: "Random bytes of the host's kernel, for the guest's own generator.",
  attributes: [
    AttributeSpec(
      "bytes_per_second", .number(0...TokenBucket.rateMax), default: "0", in: .limits,
      window: .live, unit: "bytes per second",
      help: """
        How many bytes the guest gets at most; what a tenth of a second had not used it gets at \
        once. 0: no limit.
        """)
  ],
  features: [
    FeatureSpec(28, "indirect_desc", help: "A request may take one ring entry whatever its size."),
    FeatureSpec(29, "event_idx", help: "Each side says when it next wants to be woken."),
    FeatureSpec(32, "version_1", help: "The standard interface. Cannot be masked."),
  ],
  counters: [
    CounterSpec("bytes", help: "Random bytes the guest got."),
    CounterSpec("requests", help: "Requests completed, those without room included."),
  ],
  queueCount: { _ in 1 },
  offerable: { _ in 1 << 28 | 1 << 29 | 1 << 32 },
  validate: { (_) throws(Refusal) in },
  qemuArguments: { chardev, _ in "-device vhost-user-rng-pci,chardev=\(chardev)" }
)
