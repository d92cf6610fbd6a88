internal import LinuxSystem
internal import Tables

/// One client of a container: what it has open and shares, what it may say next, and what it has to
/// be told.
///
/// Without input or output. An engine gives it each message, does what the call says, and sends the
/// reply; it sends events while the client takes them:
///
///     switch try session.receive(bytes, descriptorCount: count, on: bus) {
///     case .answer(let reply): send(reply.bytes)
///     case .carryOut(let call):
///       let outcome = carryOut(call, descriptors)
///       send(session.finish(call, outcome, on: &bus).bytes)
///     }
///     while canSend, let event = session.nextEvent(on: bus) { send(event.bytes) }
///
/// A request that is refused changes nothing. A call is finished before the next message is
/// received. All that a client can name is in here, so it can name nothing of another client; the
/// bus is that of its container, so it can name no device of another one.
package final class ClientSession {
  /// Nil until HELLO.
  package var capabilities: Capabilities? { agreed }
  var agreed: Capabilities?
  /// Events may be sent.
  package internal(set) var isReady = false
  package internal(set) var regions: [Region] = []
  package internal(set) var eventQueues: [EventQueue] = []
  /// Where the block for fast calls is.
  package internal(set) var fastCall: UInt64?

  let sharesMax: Int
  /// Open devices by handle.
  let devices = NumberTable<OpenDevice>()
  /// Signals by handle, also those whose last event has not been sent.
  let signals = NumberTable<SignalState>()
  /// Memories without a signal count, too.
  var shareCount = 0
  var nextDevice: UInt64 = 1
  var nextSignal: UInt64 = 0

  var news = DeviceNews()
  var backlog = Backlog()

  /// - Parameter sharesMax: how many memories the client may share, and signals have.
  package init(sharesMax: Int = Limits.sharesMax) { self.sharesMax = sharesMax }

  /// What a client has open, in no order.
  package var openDevices: [OpenDevice] { devices.values }

  /// Checks one message. Descriptors that came with it and are not named by a call are the caller's
  /// to close.
  package func receive(
    _ bytes: [UInt8], descriptorCount: Int, on bus: Bus
  ) throws(LinkFault) -> Reaction {
    guard bytes.count >= Limits.headerByteCount else { throw .noHeader(bytes.count) }
    let fields = Fields(bytes)
    let (word, tag) = (fields.word32(0), fields.word32(4))
    func refuse(_ errno: Errno) -> Reaction {
      .answer(Reply(verb: word & ~Reply.bit, tag: tag, errno: errno))
    }
    guard let verb = Verb(rawValue: word) else { return refuse(.notImplemented) }
    guard bytes.count == Limits.headerByteCount + verb.payloadByteCount else {
      return refuse(.invalid)
    }
    let request = Request(verb, fields)
    // Known here; an engine has nothing to do for it.
    if request == .untold, descriptorCount == 0, isReady {
      return .answer(Reply(verb: word, tag: tag, value: UInt64(news.count)))
    }
    do throws(Errno) {
      guard descriptorCount == Self.descriptorsDue(request) else { throw .invalid }
      let action = try action(request, bus)
      return .carryOut(Call(action: action, verb: word, tag: tag))
    } catch { return refuse(error) }
  }

  /// How long a message is that begins with this word; nil when the word is no verb.
  package static func byteCount(_ word: UInt32) -> Int? {
    Verb(rawValue: word).map { Limits.headerByteCount + $0.payloadByteCount }
  }

  /// Whether descriptors belong to a message.
  package static func wantsDescriptors(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= Limits.headerByteCount else { return false }
    let fields = Fields(bytes)
    guard let verb = Verb(rawValue: fields.word32(0)),
      bytes.count == Limits.headerByteCount + verb.payloadByteCount
    else { return false }
    return descriptorsDue(Request(verb, fields)) > 0
  }

  private static func descriptorsDue(_ request: Request) -> Int {
    switch request {
    case .addMemory: 1
    case .addEventQueue, .addFastCall: 2
    case .shareMemory(let share): share.flags & ShareRequest.ownBells == 0 ? 0 : 2
    default: 0
    }
  }

  /// What a request means, or why not. The order is that of the original: HELLO, then all else, and
  /// queues for events before the first of them.
  private func action(_ request: Request, _ bus: Bus) throws(Errno) -> Call.Action {
    if case .hello(let magic, let version, let wished) = request {
      guard agreed == nil, magic == Request.magicNumber, version == Request.versionNumber else {
        throw .invalid
      }
      return .hello(wished.intersection(.implemented))
    }
    guard let agreed else { throw .invalid }
    switch request {
    case .hello, .untold: throw .invalid
    case .openDevice(let id, let version): return .open(try opening(id, version, bus))
    case .closeDevice(let handle): return .close(try device(handle))
    case .callDevice(let handle, let function, let byteCount, let flags, let address):
      let device = try device(handle)
      guard byteCount <= Limits.callByteCountMax else { throw .invalid }
      return .call(
        device, function: function, byteCount: byteCount, flags: flags, address: address)
    case .shareMemory(let wish): return .share(try sharing(wish, agreed))
    case .signal(let handle): return .signal(try share(handle))
    case .addMemory(let region): return .addMemory(try checked(region))
    case .dropMemory(let address): return .dropMemory(try droppable(address))
    case .addEventQueue(let queue): return .addEventQueue(try checked(queue, agreed))
    case .addFastCall(let address): return .addFastCall(address: try fastCall(address, agreed))
    case .ready:
      guard !isReady else { throw .invalid }
      return .ready
    }
  }

  /// Takes over what a call changed, and answers it. Only the call that `receive` gave last.
  package func finish(_ call: Call, _ outcome: Outcome, on bus: inout Bus) -> Reply {
    switch outcome {
    case .refused(let errno): Reply(verb: call.verb, tag: call.tag, errno: errno)
    case .done(let answer):
      Reply(verb: call.verb, tag: call.tag, value: takeOver(call.action, answer, &bus))
    }
  }

  /// Answers the number that the client gets.
  private func takeOver(_ action: Call.Action, _ answer: UInt64, _ bus: inout Bus) -> UInt64 {
    switch action {
    case .hello(let capabilities):
      agreed = capabilities
      return capabilities.rawValue
    case .addMemory(let region): regions.append(region)
    case .dropMemory(let region): regions.removeAll { $0 == region }
    case .addEventQueue(let queue): eventQueues.append(queue)
    case .addFastCall(let address): fastCall = address
    case .ready:
      isReady = true
      news.begin(bus.ids)
    case .open(let device):
      open(device, &bus)
      return device.handle.rawValue
    case .close(let device): close(device, &bus)
    case .call: return answer
    case .share(let share): return add(share)
    case .signal: break
    }
    return 0
  }

  /// The client is gone: nothing of it is left. Answers what it had open, for the engine to let go.
  package func end(on bus: inout Bus) -> [OpenDevice] {
    let open = devices.values.sorted { $0.handle.rawValue < $1.handle.rawValue }
    for device in open {
      _ = devices.remove(device.handle.rawValue)
      bus.close(device.id)
    }
    for handle in signals.keys { _ = signals.remove(handle) }
    (regions, eventQueues, fastCall, shareCount) = ([], [], nil, 0)
    (news, backlog, isReady, agreed) = (DeviceNews(), Backlog(), false, nil)
    return open
  }
}
