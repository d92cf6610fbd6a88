internal import LinuxSystem
internal import SharedMemory
internal import VbusLink

/// The client's end of a block for fast calls: a request takes two bells and no message.
final class FastCall {
  let address: UInt64
  /// The one that the host hears, and ours.
  let bells: SharedSignal.Bells
  private let memory: BusMemory
  private let offset: Int
  private let window: SharedWindow
  private let wait: BellWait
  private var asked: UInt32 = 0

  /// Makes a block in memory of the client's. `other`: what tells of the host's end, and of events.
  init(in memory: BusMemory, at offset: Int, beside other: Descriptor) throws(Errno) {
    self.memory = memory
    self.offset = offset
    address = memory.address(of: offset)
    window = memory.bytes.window(at: offset, byteCount: FastCallLayout.byteCount)
    bells = try SharedSignal.Bells()
    wait = try BellWait(for: bells.client.descriptor, beside: other)
    FastCallLayout.format(window)
  }

  func ask(_ request: Request, tag: UInt32) {
    let bytes = request.bytes(tag: tag)
    memory.bytes.setBytes(bytes, at: offset + FastCallLayout.request)
    window.storeRelaxed(UInt32(bytes.count), at: FastCallLayout.length)
    asked &+= 1
    // Release: the request is visible before its number.
    window.storeRelease(asked, at: FastCallLayout.asked)
    bells.host.ring()
  }

  /// Whether the host has answered. Acquire: then the reply is visible.
  var isAnswered: Bool { window.acquire32(at: FastCallLayout.answered) == asked }

  /// What the host answered; nil for what is no reply.
  var reply: Reply? { FastCallLayout.reply(in: window) }

  /// Waits until the host rings, or something else comes of it.
  func wait(milliseconds: Int32) -> BellWait.Outcome { wait.wait(milliseconds: milliseconds) }
}
