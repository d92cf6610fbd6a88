import LinuxSystem
import Rings
import SharedMemory
import Vbus
import VbusLink
import Virtio

/// A ring of either layout as its host serves it.
final class HostQueue {
  /// The client's.
  var bell: EventDescriptor?
  /// Nil when it has bells of its own.
  var signal: SignalHandle?
  var written: UInt32?
  private var ioq: IoqRing?
  private var split: SplitRing?
  private var splitSignal: WindowSignal?
  private var segments = Segments()
  private let memory: GuestMemory

  /// Finds out by the magic number what it is.
  init(
    at address: UInt64, byteCount: Int?, entries: UInt32 = 0, flow: Flow,
    features: FeatureBits = [], _ memory: GuestMemory
  ) throws {
    self.memory = memory
    let place = GuestAddress(address)
    let head = try memory.window(guestAddress: place, byteCount: 4, alignment: 4)
    guard head.relaxed32(at: 0) == VirtqueueLayout.magicNumber else {
      let size = IoqSize(entries).map { IoqLayout.byteCount($0) }
      ioq = try IoqRing(at: place, byteCount: byteCount ?? size ?? 0, flow: flow, memory: memory)
      return
    }
    let block = try memory.window(
      guestAddress: place, byteCount: byteCount ?? 0, alignment: VirtqueueLayout.alignment)
    let size = try VirtqueueLayout.check(block)
    split = try SplitRing(inBlock: block, size: size, memory: memory, features: features)
    splitSignal = try WindowSignal(block, at: VirtqueueLayout.signal, as: .south)
  }

  /// Serves all that waits: what a chain says comes in, what is to be written goes out, nil leaves
  /// it and all behind it. True when the client wants to be told.
  func serve(_ body: ([UInt8], Int) throws -> [UInt8]?) throws -> Bool {
    var isTold = false
    var leaves = false
    repeat {
      while let loan = try next() {
        guard let answer = try body(try readable(), Int(segments.writableBytes)) else {
          putBack(loan)
          leaves = true
          break
        }
        let count = try segments.copyIn(answer.span, at: 0, of: memory)
        settle(loan, written ?? UInt32(count))
      }
      if publish() { isTold = true }
    } while enableKicks() && !leaves
    return isTold
  }

  private func readable() throws -> [UInt8] {
    let count = Int(segments.readableBytes)
    var bytes = [UInt8](repeating: 0, count: count)
    guard count > 0 else { return bytes }
    var span = bytes.mutableSpan
    try segments.copyOut(from: 0, count, into: &span, of: memory)
    return bytes
  }

  private func next() throws -> Loan? {
    if ioq != nil { return try ioq?.next(&segments) }
    return try split?.next(&segments)
  }

  private func settle(_ loan: consuming Loan, _ written: UInt32) {
    if ioq != nil {
      ioq?.settle(loan, written: written)
    } else {
      split?.settle(loan, written: written)
    }
  }

  private func putBack(_ loan: consuming Loan) {
    if ioq != nil { ioq?.putBack(loan) } else { split?.putBack(loan) }
  }

  private func publish() -> Bool {
    if ioq != nil {
      ioq?.publish()
      return ioq?.shouldInterrupt() ?? false
    }
    split?.publish()
    guard split?.shouldInterrupt() ?? false else { return false }
    return splitSignal?.inject() ?? false
  }

  private func enableKicks() -> Bool {
    if ioq != nil { return ioq?.enableKicks() ?? false }
    splitSignal?.listen()
    return split?.enableKicks() ?? false
  }
}

/// A card that sends every frame back, or a disk whose bytes are the low ones of their places.
final class HostDevice {
  static let mac: [UInt8] = [2, 0, 0, 0, 0, 7]
  static let sectors: UInt64 = 1 << 20
  private let isDisk: Bool
  private let memory: GuestMemory
  private var queues: [UInt32: HostQueue] = [:]
  private var frames: [[UInt8]] = []
  private var configuration: (signal: WindowSignal, bell: EventDescriptor?, handle: SignalHandle)?
  private var isRunning = false
  var isHeld = false
  private var status: UInt32 = 0
  private var features: UInt64 = 0

  init(_ type: String, _ memory: GuestMemory, greeting: [UInt8]? = nil) {
    if let greeting { frames = [greeting] }
    isDisk = type == "virtual-disk"
    self.memory = memory
  }

  func attach(_ share: Share, _ bells: [EventDescriptor], written: UInt32?) throws {
    guard let signal = share.signal else { return }
    guard share.id < 2 else {
      guard share.id == VirtioFunction.configurationShare else { return }
      let window = try memory.window(
        guestAddress: GuestAddress(share.address), byteCount: Int(share.byteCount), alignment: 8)
      let own = try WindowSignal(window, at: Int(signal.offset), as: .south)
      configuration = (own, bells.last, signal.handle)
      return
    }
    let queue = try HostQueue(
      at: share.address, byteCount: Int(share.byteCount),
      flow: share.id == 0 ? .fromDevice : .toDevice, features: FeatureBits(rawValue: features),
      memory)
    queue.bell = bells.last
    queue.signal = signal.hasOwnBells ? nil : signal.handle
    queue.written = written
    queues[share.id] = queue
  }

  func call(_ function: UInt32, _ data: inout [UInt8]) throws -> UInt64 {
    guard let function = VirtioFunction(rawValue: function) else {
      return try venet(function, &data)
    }
    guard function.byteCount ?? data.count == data.count else { throw Errno.invalid }
    switch function {
    case .identify:
      data =
        VirtioIdentity(
          deviceID: isDisk ? 2 : 1, queueCount: 2, queueSizeMax: 1024, configurationByteCount: 8
        ).bytes
    case .getFeatures: data = littleEndian(FeatureBits.splitRing.rawValue, byteCount: 8)
    case .setFeatures: features = littleEndian(data)
    case .getStatus: data = littleEndian(status, byteCount: 4)
    case .setStatus:
      status = UInt32(truncatingIfNeeded: littleEndian(data))
      isRunning = DeviceStatus(rawValue: status).contains(.driverOK)
    case .getConfiguration:
      guard data.count == 16, data[0] == 0 else { throw Errno.invalid }
      data.replaceSubrange(8..., with: littleEndian(Self.sectors, byteCount: 8))
    case .setConfiguration: throw Errno.readOnly
    }
    return 0
  }

  private func venet(_ function: UInt32, _ data: inout [UInt8]) throws -> UInt64 {
    switch (function, data.count) {
    case (0, 0):
      guard queues.count == 2 else { throw Errno.invalid }
      isRunning = true
    case (1, 0): isRunning = false
    case (2, 6): data = Self.mac
    case (3, 8): data[4] &= 1
    default: throw Errno.invalid
    }
    return 99
  }

  /// Says that the configuration space has changed; answers the signal to raise if it has no bells.
  func change() -> SignalHandle? {
    guard let configuration, configuration.signal.inject() else { return nil }
    guard let bell = configuration.bell else { return configuration.handle }
    bell.ring()
    return nil
  }

  /// Serves all queues; answers the signals to raise that have no bells.
  func serve() throws -> [SignalHandle] {
    guard isRunning, !isHeld else { return [] }
    var signals: [SignalHandle] = []
    for (id, queue) in queues.sorted(by: { $0.key > $1.key }) {
      guard try queue.serve({ try self.serve(id, $0, $1) }) else { continue }
      if let signal = queue.signal { signals.append(signal) } else { queue.bell?.ring() }
    }
    return signals
  }

  private func serve(_ id: UInt32, _ bytes: [UInt8], _ room: Int) throws -> [UInt8]? {
    if isDisk {
      let sector = littleEndian(bytes[8..<16])
      // All but the status is data.
      return (0..<(room - 1)).map { Self.byte(sector * 512 + UInt64($0)) } + [0]
    }
    if id == 1 {
      frames.append(bytes)
      return []
    }
    return frames.isEmpty ? nil : frames.removeFirst()
  }

  /// What a disk has at a place.
  static func byte(_ place: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: place + place / 512) }
}
