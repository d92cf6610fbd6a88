package import Model

/// A disk (VIRTIO 1.2 section 5.2).
package let blkClass = DeviceClass(
  name: "blk", interfaceType: "virtio-blk", virtioID: 2,
  description: "A disk: a file, a block device or memory of the host as a virtio block device.",
  attributes: [
    AttributeSpec(
      "backend", .choice(["file", "memory", "null"]), default: "file",
      help: """
        What holds the data. file: the file or block device at path. memory: memory of the host, \
        zero when enabled and gone when disabled. null: nothing; reads give zeros.
        """),
    AttributeSpec(
      "path", .path, default: "",
      help: """
        The file or block device, opened with the rights of who wrote this. A link as the last \
        component is not followed.
        """),
    AttributeSpec(
      "capacity", .size(0...blkCapacityMax, multipleOf: blkSectorByteCount), default: "0",
      window: .live, unit: "bytes", showsFact: true,
      help: """
        The size of the disk. 0: the file's own size. More than the file has: the file is \
        extended. Less: only its beginning is used; nothing is cut off. While the disk is live \
        it can only grow, and its guest is told.
        """),
    AttributeSpec(
      "block_size", .choice(["512", "1024", "2048", "4096"]), default: "512", unit: "bytes",
      help: "The logical block size the guest is told. capacity is a multiple of it."),
    AttributeSpec(
      "read_only", .boolean, default: "0",
      help: "1: the guest can only read, and the file is opened for reading alone."),
    AttributeSpec(
      "serial", .text(byteCountMax: 20), default: "", window: .untilOpen,
      help: "What the guest reads as the disk's serial (VIRTIO_BLK_T_GET_ID)."),
    AttributeSpec(
      "num_queues", .number(1...64), default: "1",
      help: "How many request queues the guest may use. More than one offers mq."),
  ],
  features: [
    FeatureSpec(1, "size_max", help: "The guest is told how large one segment may be."),
    FeatureSpec(2, "seg_max", help: "The guest is told how many segments a request may have."),
    FeatureSpec(5, "ro", help: "The disk is read-only. Offered when read_only is 1."),
    FeatureSpec(6, "blk_size", help: "The guest is told block_size."),
    FeatureSpec(9, "flush", help: "The guest can ask for its writes to be made durable."),
    FeatureSpec(10, "topology", help: "The guest is told the best sizes and alignment."),
    // VIRTIO 1.2 section 5.2.5.2: never without VIRTIO_BLK_F_FLUSH.
    FeatureSpec(
      11, "config_wce", needs: [9], help: "The guest can switch the write cache on and off."),
    FeatureSpec(12, "mq", help: "The guest may use several queues. Offered with num_queues > 1."),
    FeatureSpec(13, "discard", help: "The guest can give unused blocks back."),
    FeatureSpec(14, "write_zeroes", help: "The guest can have blocks zeroed without sending them."),
    FeatureSpec(28, "indirect_desc", help: "A request may take one ring entry whatever its size."),
    FeatureSpec(29, "event_idx", help: "Each side says when it next wants to be woken."),
    FeatureSpec(32, "version_1", help: "The standard interface. Cannot be masked."),
  ],
  counters: [
    CounterSpec("read_ops", help: "Read requests completed."),
    CounterSpec("read_bytes", help: "Bytes the guest read."),
    CounterSpec("write_ops", help: "Write requests completed."),
    CounterSpec("write_bytes", help: "Bytes the guest wrote."),
    CounterSpec("flush_ops", help: "Flushes completed."),
    CounterSpec("discard_ops", help: "Discard requests completed."),
    CounterSpec("discard_bytes", help: "Bytes discarded."),
    CounterSpec("write_zeroes_ops", help: "Requests to write zeroes completed."),
    CounterSpec("write_zeroes_bytes", help: "Bytes zeroed by such requests."),
    CounterSpec("errors", help: "Requests that failed or were not understood."),
  ],
  queueCount: { Int($0["num_queues"] ?? "") ?? 1 },
  offerable: blkOfferable,
  validate: { (values) throws(Refusal) in try validateBlk(values) },
  qemuArguments: { chardev, values in
    "-device vhost-user-blk-pci,chardev=\(chardev),num-queues=\(values["num_queues"] ?? "1")"
  }
)

/// The unit of `capacity` in the configuration space (VIRTIO 1.2 section 5.2.4).
package let blkSectorByteCount: UInt64 = 512

/// The largest file offset, in whole sectors.
package let blkCapacityMax = UInt64(Int64.max) / blkSectorByteCount * blkSectorByteCount

/// What these values leave of the class's features.
@Sendable private func blkOfferable(_ values: [String: String]) -> UInt64 {
  let all: UInt64 = blkFeatureBits(1, 2, 6, 9, 10, 11, 28, 29, 32)
  let isReadOnly = values["read_only"] == "1"
  let changing = isReadOnly ? blkFeatureBits(5) : blkFeatureBits(13, 14)
  let queues = values["num_queues"] == "1" ? 0 : blkFeatureBits(12)
  return all | changing | queues
}

private func blkFeatureBits(_ bits: UInt64...) -> UInt64 { bits.reduce(0) { $0 | 1 << $1 } }

/// What only all values together show. The host side adds what the file says.
private func validateBlk(_ values: [String: String]) throws(Refusal) {
  let capacity = UInt64(values["capacity"] ?? "") ?? 0
  let blockSize = UInt64(values["block_size"] ?? "") ?? blkSectorByteCount
  let backend = values["backend"] ?? ""
  if backend == "file" {
    guard values["path"]?.isEmpty == false else {
      throw .missing(attribute: "path", because: "backend is file")
    }
  } else {
    guard capacity > 0 else {
      throw .missing(attribute: "capacity", because: "backend \(backend) has no size of its own")
    }
  }
  guard capacity.isMultiple(of: blockSize) else {
    throw .notMultiple(attribute: "capacity", of: "block_size")
  }
}
