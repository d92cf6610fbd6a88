internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import VbusLink

/// The host's end of a client's block for fast calls. What is in it the client may change at any
/// time: a request is copied out once.
final class FastCallBlock {
  private let window: SharedWindow
  private let hostBell: EventDescriptor
  private let clientBell: EventDescriptor
  private let loop: EventLoop
  private var token: EventLoop.Token?
  /// The number of the request that was answered last: ours to say, so that what the client writes
  /// over it means nothing.
  private var answered: UInt32

  /// Called when the client rang.
  var onBell: () -> Void = {}

  /// Finds a block that the client has formatted; EINVAL for what is none. `bells`: the one that we
  /// hear, and the client's.
  init(
    at address: UInt64, in memory: GuestMemory, _ bells: [Descriptor], on loop: EventLoop
  ) throws(Errno) {
    guard bells.count == 2 else { throw .invalid }
    do throws(MemoryFault) {
      window = try memory.window(
        guestAddress: GuestAddress(address), byteCount: FastCallLayout.byteCount,
        alignment: FastCallLayout.alignment)
    } catch { throw .invalid }
    guard FastCallLayout.isFormatted(window) else { throw .invalid }
    hostBell = EventDescriptor(bells[0])
    clientBell = EventDescriptor(bells[1])
    self.loop = loop
    answered = window.relaxed32(at: FastCallLayout.answered)
    token = try loop.watch(hostBell.descriptor, for: [.readable, .edge]) {
      [unowned self] _ in onBell()
    }
  }

  func end() {
    if let token { loop.remove(token) }
    token = nil
  }

  /// The number of the request that waits; nil when none does.
  private var waiting: UInt32? {
    // Acquire: what the client wrote before it counted is visible.
    let number = window.acquire32(at: FastCallLayout.asked)
    return number == answered ? nil : number
  }

  /// Takes the request that waits into a record; nil when none does.
  func receive(into record: ClientRecord) -> [UInt8]? {
    guard let waiting else { return nil }
    let count = window.relaxed32(at: FastCallLayout.length)
    return record.receive(
      window, at: FastCallLayout.request,
      byteCount: min(Int(count), FastCallLayout.requestByteCountMax), fastCall: waiting)
  }

  /// Answers a request. Once more does no harm: a predecessor may have died before it rang.
  func answer(_ reply: Reply, to number: UInt32) {
    FastCallLayout.setReply(reply, in: window)
    answered = number
    // Release: the reply is visible before its number.
    window.storeRelease(number, at: FastCallLayout.answered)
    clientBell.ring()
  }
}
