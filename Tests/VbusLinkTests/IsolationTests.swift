import LinuxSystem
import Testing
import VbusLink
import TestSupport

@Suite("No client reaches what is another's")
struct IsolationTests {
  /// Two containers with two clients each say hostile things in turn; all that engines would do is
  /// held against what each client was given.
  @Test("Random hostile sequences of each seed", arguments: 0..<50 as Range<UInt64>)
  func random(_ seed: UInt64) throws {
    var dice = Dice(seed)
    let first = Client(isReady: false)
    let third = Client(isReady: false)
    let crowd = [
      Suspect(first, base: 0), Suspect(Client(sharing: first, isReady: false), base: 0),
      Suspect(third, base: 100), Suspect(Client(sharing: third, isReady: false), base: 100),
    ]
    // The containers' devices have nothing in common.
    for id in 0..<3 as Range<UInt32> {
      third.drop(id)
      third.add(100 + id)
    }
    for _ in 0..<2000 { try crowd[dice.below(4)].act(&dice, among: crowd) }
    #expect(crowd.map(\.violations) == [0, 0, 0, 0])
    #expect(crowd.map(\.carriedOut).reduce(0, +) > 100)
    #expect(try crowd.map { try $0.restored() } == crowd.map(\.client.session.lines))
  }

  @Test("Random bytes of each seed are answered", arguments: 0..<20 as Range<UInt64>)
  func bytes(_ seed: UInt64) throws {
    var dice = Dice(seed)
    let client = Client()
    var answered = 0
    for _ in 0..<500 {
      var bytes = dice.bytes(8 + dice.below(60))
      bytes.replaceSubrange(0..<4, with: [UInt8(dice.below(24)), 0, 0, 0])
      _ = try client.ask(bytes, descriptorCount: dice.below(3))
      answered += 1
    }
    #expect(answered == 500)
  }
}

/// A client that says anything, with numbers that it and others were given.
final class Suspect {
  let client: Client
  private(set) var carriedOut = 0
  /// Calls that name what this client was never given.
  private(set) var violations = 0
  private(set) var handles: [DeviceHandle: UInt32] = [:]
  private(set) var signals: Set<SignalHandle> = []
  private var regions: [Region] = []

  /// The container's ids: 0 to 2, or 100 to 102.
  private let base: UInt32

  init(_ client: Client, base: UInt32) {
    self.client = client
    self.base = base
  }

  /// The record of a session that goes on from this one's, on a bus with the same devices.
  func restored() throws -> [String] {
    var bus = Bus()
    for id in client.container.bus.ids { _ = bus.add(Client.device, as: id) }
    let lines = client.session.lines
    return try ClientSession.restored(from: lines, sharesMax: 8, on: &bus).lines
  }

  func act(_ dice: inout Dice, among crowd: [Suspect]) throws {
    switch dice.below(40) {
    case 0:
      client.drop(UInt32(dice.below(3)) + base)
    case 1:
      client.add(UInt32(dice.below(3)) + base)
    case 2:
      violations += client.events().count { !isOwn($0) }
    case 3 where dice.below(4) == 0:
      _ = client.end()
      (handles, signals, regions) = ([:], [], [])
    default: try ask(&dice, crowd)
    }
  }

  private func ask(_ dice: inout Dice, _ crowd: [Suspect]) throws {
    let before = client.calls.count
    let reply = try client.ask(
      request(&dice, crowd), outcome: dice.below(8) == 0 ? .refused(.noDevice) : .done())
    guard client.calls.count > before, let action = client.calls.last else { return }
    carriedOut += 1
    if !isOwn(action) { violations += 1 }
    guard reply.errno == nil else { return }
    remember(action, reply)
  }

  private func isOwn(_ event: Event) -> Bool {
    switch event {
    case .deviceAdded(let id, _), .deviceDropped(let id): id / 100 == base / 100
    case .signal(let cookie), .shareClosed(let cookie): cookie == mark
    }
  }

  /// What this client marks its own with.
  private var mark: UInt64 { UInt64(UInt(bitPattern: ObjectIdentifier(self).hashValue)) }

  private func isOwn(_ action: Call.Action) -> Bool {
    switch action {
    case .open(let device): client.container.bus[device.id] != nil && device.id / 100 == base / 100
    case .close(let device), .call(let device, _, _, _, _): handles[device.handle] == device.id
    case .share(let share): handles[share.device] != nil && isMine(share)
    case .signal(let share):
      share.signal.map { signals.contains($0.handle) && $0.cookie == mark } == true
        && isMine(share)
    case .dropMemory(let region): regions.contains(region)
    case .addEventQueue(let queue): isMine(queue.ring, 56) && isMine(queue.records, 1)
    case .addFastCall(let address): isMine(address, 128)
    case .hello, .addMemory, .ready: true
    }
  }

  private func isMine(_ share: Share) -> Bool { isMine(share.address, UInt64(share.byteCount)) }

  private func isMine(_ address: UInt64, _ count: UInt64) -> Bool {
    regions.contains {
      address >= $0.address && address + count <= $0.address + $0.byteCount
    }
  }

  private func remember(_ action: Call.Action, _ reply: Reply) {
    switch action {
    case .open(let device): handles[DeviceHandle(rawValue: reply.value)] = device.id
    case .close(let device):
      handles[device.handle] = nil
      for share in device.shares {
        if let signal = share.signal { signals.remove(signal.handle) }
      }
    case .share(let share):
      if share.signal != nil {
        signals.insert(SignalHandle(rawValue: UInt32(truncatingIfNeeded: reply.value)))
      }
    case .addMemory(let region): regions.append(region)
    case .dropMemory(let region): regions.removeAll { $0 == region }
    default: break
    }
  }

  private func request(_ dice: inout Dice, _ crowd: [Suspect]) -> Request {
    let other = crowd[dice.below(crowd.count)]
    let handle =
      other.handles.keys.sorted { $0.rawValue < $1.rawValue }.first
      ?? DeviceHandle(rawValue: UInt64(dice.below(9)))
    let address = UInt64(dice.below(8)) * 0x1000 + (dice.below(9) == 0 ? 0xfc8 : 0)
    switch dice.below(12) {
    case 0: return .hello(magic: Request.magicNumber, version: 1, .implemented)
    case 1: return .ready
    case 2, 3:
      return .openDevice(id: UInt32(dice.below(4) + 100 * dice.below(2)), version: 1)
    case 4: return .closeDevice(handle)
    case 5:
      return .callDevice(handle, function: 1, byteCount: 8, flags: 0, address: address)
    case 6, 7:
      return .addMemory(
        Region(address: address, byteCount: UInt64(dice.below(0x3000)), fileOffset: 0))
    case 8: return .dropMemory(address: address)
    case 9:
      return .signal(SignalHandle(rawValue: UInt32(dice.below(5))))
    case 10 where dice.below(6) == 0:
      return dice.below(2) == 0
        ? .addFastCall(address: address)
        : .addEventQueue(EventQueue(count: 2, priority: 0, ring: address, records: address))
    default:
      return .shareMemory(
        ShareRequest(
          handle: handle, id: UInt32(dice.below(3)), address: address,
          byteCount: UInt32(dice.below(300)),
          flags: UInt32(dice.below(8) / 7), signalOffset: dice.below(3) == 0 ? nil : 8,
          priority: UInt32(dice.below(9)), cookie: mark))
    }
  }
}
