public import SharedMemory

/// A rule of the virtqueue that the driver broke. It stops the queue until the driver resets it.
public enum RingFault: Error, Hashable, Sendable {
  /// The three areas of a split virtqueue (VIRTIO 1.2 section 2.7), and the one of an ioq.
  public enum Part: String, Sendable {
    case descriptors = "descriptor table"
    case available = "available ring"
    case used = "used ring"
    case ioq = "ioq"
  }

  /// An area is misaligned or outside of the guest's memory (2.7, 2.7.10.1 of its driver).
  case misplaced(Part, MemoryFault)
  /// The available index runs further ahead than the queue has entries (2.7.6, 2.7.13.3).
  case offersMoreThanItHolds(UInt16)
  /// A head or `next` names a descriptor that the table does not have (2.7.5, 2.7.6).
  case noSuchDescriptor(UInt16)
  /// A chain has more descriptors than the queue has entries, or loops (2.7.5.2, 2.7.5.3.1).
  case chainLoops(head: UInt16)
  /// A chain describes more than 2^32 bytes (2.7.5.2).
  case chainTooLong
  /// A device-readable buffer follows a device-writable one (2.7.4.2).
  case readableAfterWritable
  /// Flags that mean nothing in a split virtqueue (2.7.5).
  case unknownFlags(UInt16)
  /// An indirect table without VIRTIO_F_INDIRECT_DESC (2.7.5.3.1).
  case indirectNotNegotiated
  /// An indirect table within an indirect table (2.7.5.3.1).
  case nestedTable
  /// A descriptor that refers to a table and goes on as well (2.7.5.3.1).
  case tableContinues
  /// An indirect table that is empty or no multiple of a descriptor long (2.7.5.3).
  case tableSize(UInt32)
  /// A chain that the device still has was offered again (2.7.13).
  case offeredTwice(head: UInt16)
  /// A chain's bytes are outside of the guest's memory.
  case memory(MemoryFault)
  /// A request has no room for the device's answer, for example blk's status byte (5.2.6).
  case noRoomForAnswer
  /// The guest's memory shrank behind its mapping.
  case memoryTorn
  /// The in-flight log contradicts the ring (vhost-user, Inflight I/O tracking).
  case logDisagrees
  /// The head of an ioq or of its signal bears another number than its kind (vbus).
  case wrongMagic(UInt32)
  /// An ioq or a signal of another version than the one that is served (vbus).
  case wrongVersion(UInt32)
  /// An ioq whose length and number of entries do not belong together (vbus).
  case wrongShape(count: UInt32, byteCount: Int)
  /// An index of an ioq is outside of it (vbus).
  case noSuchIndex(UInt32)
  /// A byte of an ioq's descriptor that is neither 0 nor 1 (vbus).
  case neitherYesNorNo(UInt8)
  /// A descriptor of an ioq was handed over without a buffer in it (vbus).
  case offeredEmpty(UInt16)
  /// The device claims to have written more than a buffer of an ioq holds (vbus).
  case overfilled(UInt16)
  /// A buffer that has to lie in a shared pool lies elsewhere (vbus).
  case outsideOfPool(UInt64)

  /// What to tell a person.
  package var sentence: String {
    switch self {
    case .misplaced(let part, let fault): "the \(part.rawValue) cannot be used: \(fault.sentence)"
    case .offersMoreThanItHolds(let count): "the driver offers \(count) chains, more than fit"
    case .noSuchDescriptor(let index): "there is no descriptor \(index)"
    case .chainLoops(let head): "the chain at descriptor \(head) loops or is too long"
    case .chainTooLong: "a chain describes more than 4 GiB"
    case .readableAfterWritable: "a readable buffer follows a writable one"
    case .unknownFlags(let flags): "a descriptor has unknown flags 0x\(String(flags, radix: 16))"
    case .indirectNotNegotiated: "an indirect table was used but not negotiated"
    case .nestedTable: "an indirect table refers to another one"
    case .tableContinues: "a descriptor refers to an indirect table and continues"
    case .tableSize(let count): "an indirect table is \(count) bytes long"
    case .offeredTwice(let head): "the chain at descriptor \(head) was offered twice"
    case .memory(let fault): fault.sentence
    case .noRoomForAnswer: "a request has no room for the answer"
    case .memoryTorn: "the guest's memory shrank behind its mapping"
    case .logDisagrees: "the in-flight log contradicts the ring"
    default: ioqSentence
    }
  }

  private var ioqSentence: String {
    switch self {
    case .wrongMagic(let magic): "the number 0x\(String(magic, radix: 16)) starts no such ring"
    case .wrongVersion(let version): "version \(version) of the ring is not known"
    case .wrongShape(let count, let byteCount):
      "a ring of \(count) entries cannot have \(byteCount) bytes"
    case .noSuchIndex(let index): "the index \(index) is outside of the ring"
    case .neitherYesNorNo(let flags):
      "a descriptor has a flag of \(flags), which is neither yes nor no"
    case .offeredEmpty(let slot): "descriptor \(slot) was handed over without a buffer"
    case .outsideOfPool(let address):
      "the buffer at 0x\(String(address, radix: 16)) is outside of its pool"
    case .overfilled(let slot): "more was written to descriptor \(slot) than it holds"
    default: "the ring is broken"
    }
  }
}
