import LinuxSystem

@testable import FuseMount

/// The kernel's side of /dev/fuse: a socket that keeps messages apart. Requests lie in slots when
/// the mount starts, as a predecessor leaves them, and are served before `start` returns.
struct PlayedKernel {
  private let near: Channel
  private let far: Channel
  let slots: RequestSlots
  private let mount: FuseMount

  init(refusal: Errno = .busy) throws {
    (near, far) = try Channel.pair()
    slots = try RequestSlots()
    mount = try FuseMount(
      PlayedTree(refusal: refusal), on: far.descriptor, slots: slots, loop: EventLoop(),
      recall: { _ in nil }, onEnd: {})
  }

  /// Puts a request into a slot, with what the operation defines as whole numbers of 32 bits and
  /// text behind them.
  func leave(
    _ operation: UInt32, node: UInt64 = 1, _ words: [UInt32] = [], _ text: String = "",
    slot: Int = 0
  ) throws {
    var body = WireWriter()
    for word in words { body.put(word) }
    let byteCount = 40 + body.bytes.count + text.utf8.count
    var request = WireWriter()
    request.put(UInt32(byteCount))
    request.put(operation)
    // The kernel's number, the node, then user, group, process and padding.
    request.put(UInt64(slot + 1) * 2)
    request.put(node)
    request.put(UInt64(0))
    request.put(UInt64(0))
    try near.send(Packet(request.bytes + body.bytes + Array(text.utf8)))
    try slots.read(from: far.descriptor, into: slot)
  }

  /// Serves what lies in the slots.
  func serve() throws { try mount.start() }

  /// The next answer; `nil` when there is none. Notifications, which have no number, are left out.
  func answer() throws -> KernelAnswer? {
    do throws(Errno) {
      while let packet = try near.receive() {
        let answer = try KernelAnswer(packet.bytes)
        if answer.unique != 0 { return answer }
      }
      return nil
    } catch {
      guard error == .again else { throw error }
      return nil
    }
  }

  /// Leaves one request, serves it, and gives its answer.
  func answer(
    to operation: UInt32, node: UInt64 = 1, _ words: [UInt32] = [], _ text: String = ""
  ) throws -> KernelAnswer? {
    try leave(operation, node: node, words, text)
    try serve()
    return try answer()
  }
}

/// What the kernel is told: struct fuse_out_header and what lies behind it.
struct KernelAnswer: Equatable {
  let byteCount: UInt32
  let errno: Errno?
  let unique: UInt64
  let body: [UInt8]

  init(_ bytes: [UInt8]) throws(Errno) {
    var wire = WireReader(bytes)
    do throws(WireError) {
      byteCount = try wire.uint32()
      let error = try wire.int32()
      errno = error == 0 ? nil : Errno(rawValue: -error)
      unique = try wire.uint64()
    } catch { throw .invalid }
    body = Array(bytes.dropFirst(16))
  }

  /// The body's 32 bits at `index`.
  func word(_ index: Int) -> UInt32 {
    body[(4 * index)..<(4 * index + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
