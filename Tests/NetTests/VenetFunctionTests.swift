import Devices
import Engine
import LinuxSystem
import TestSupport
import Testing
import VbusLink

@Suite("A card answers the functions of virtual-ethernet")
struct VenetFunctionTests {
  /// With a link that is up.
  private func up() throws -> NativeCard { try NativeCard().flat() }

  // MARK: LINKUP and LINKDOWN

  @Test("LINKUP starts the rings")
  func linkUp() throws {
    let card = try NativeCard()
    try card.call(.linkUp)
    #expect(card.host.deeds == [.start])
  }

  @Test("LINKUP without one of the queues: EINVAL", arguments: [0, 1])
  func linkUpWithoutQueue(_ missing: Int) throws {
    let card = try NativeCard()
    card.host.rings[missing] = nil
    #expect(throws: Errno.invalid) { try card.call(.linkUp) }
    #expect(card.host.deeds.isEmpty)
  }

  @Test("LINKUP where the link is up: EEXIST")
  func linkUpTwice() throws {
    let card = try up()
    #expect(throws: Errno.exists) { try card.call(.linkUp) }
    #expect(card.host.deeds == [.start])
  }

  @Test("LINKUP whose rings are broken fails as they do, and the link stays down")
  func linkUpBroken() throws {
    let card = try NativeCard()
    card.host.startFault = .noMemory
    #expect(throws: Errno.noMemory) { try card.call(.linkUp) }
    #expect(throws: Errno.noEntry) { try card.call(.linkDown) }
  }

  @Test("LINKDOWN where the link is down: ENOENT")
  func linkDownTwice() throws {
    let card = try up()
    try card.call(.linkDown)
    #expect(throws: Errno.noEntry) { try card.call(.linkDown) }
    #expect(throws: Errno.noEntry) { try NativeCard().call(.linkDown) }
  }

  @Test("LINKDOWN sends what was posted, then stops the rings")
  func linkDown() throws {
    let card = try NativeCard(["backend": "null"]).flat()
    card.host.onDrain = { [unowned card] _ in
      _ = try? card.transmit.serve(card.model, card.guest)
    }
    card.transmit.post(card.memory.source(frame(to: 2, from: 1)))
    try card.call(.linkDown)
    #expect(card.host.deeds == [.start, .drain(1), .stop])
    #expect(card.counter(.txPackets) == 1)
  }

  @Test("A link that went down comes up again")
  func again() throws {
    let card = try up()
    try card.call(.linkDown)
    try card.call(.linkUp)
    try card.send(frame(to: 9, from: 1))
    #expect(try card.frames() == [frame(to: 9, from: 1)])
  }

  // MARK: MACQUERY and FLUSHRX

  @Test("MACQUERY tells the address, whether the link is up or not")
  func address() throws {
    #expect(try NativeCard().call(.queryAddress, [0, 0, 0, 0, 0, 0]) == [2, 0, 0, 0, 0, 1])
    #expect(try up().call(.queryAddress, [9, 9, 9, 9, 9, 9]) == [2, 0, 0, 0, 0, 1])
  }

  @Test("MACQUERY of another length: EINVAL", arguments: [0, 5, 7, 8])
  func addressLength(_ count: Int) throws {
    let card = try NativeCard()
    let data = [UInt8](repeating: 0, count: count)
    #expect(throws: Errno.invalid) { try card.call(.queryAddress, data) }
  }

  @Test("FLUSHRX has the receive buffers given back")
  func flush() throws {
    let card = try up()
    try card.call(.flushReceiving)
    #expect(card.host.deeds == [.start, .flush(0)])
  }

  @Test("FLUSHRX while the link is down: EINVAL")
  func flushDown() throws {
    let card = try NativeCard()
    #expect(throws: Errno.invalid) { try card.call(.flushReceiving) }
    #expect(card.host.deeds.isEmpty)
  }

  // MARK: EVQQUERY

  @Test("EVQQUERY tells the size of an event, and the pool's and the queue's ids")
  func events() throws {
    let card = try NativeCard()
    try card.negotiate(1, 1)
    let answer = try card.call(.queryEvents, [UInt8](repeating: 0, count: 16))
    #expect(
      answer == little(UInt32(0)) + little(UInt32(24)) + little(UInt32(100)) + [101, 0, 0, 0])
  }

  @Test("EVQQUERY with flags, or before an event was negotiated: EINVAL")
  func eventsRefused() throws {
    let card = try NativeCard()
    let data = [UInt8](repeating: 0, count: 16)
    #expect(throws: Errno.invalid) { try card.call(.queryEvents, data) }
    try card.negotiate(1, 3)
    #expect(throws: Errno.invalid) { try card.call(.queryEvents, [0, 0, 0, 1] + data.dropLast(4)) }
  }

  @Test("EVQQUERY while the link is up: EINVAL")
  func eventsUp() throws {
    let card = try NativeCard().telling([.linkState])
    let data = [UInt8](repeating: 0, count: 16)
    #expect(throws: Errno.invalid) { try card.call(.queryEvents, data) }
  }

  @Test("LINKUP with events negotiated and no queue or no pool for them: EINVAL")
  func eventsNotShared() throws {
    let card = try NativeCard()
    try card.negotiate(1, 1)
    #expect(throws: Errno.invalid) { try card.call(.linkUp) }
    card.host.rings[3] = 16
    #expect(throws: Errno.invalid) { try card.call(.linkUp) }
    card.shareEvents()
    card.host.rings[3] = nil
    #expect(throws: Errno.invalid) { try card.call(.linkUp) }
    card.shareEvents()
    try card.call(.linkUp)
  }

  @Test("LINKUP with a pool that is not a place for each entry: EINVAL", arguments: [15, 17])
  func poolSize(_ entries: Int) throws {
    let card = try NativeCard()
    try card.negotiate(1, 1)
    card.shareEvents()
    card.host.rings[3] = entries
    #expect(throws: Errno.invalid) { try card.call(.linkUp) }
  }

  // MARK: All

  @Test(
    "What belongs to capabilities that are never granted: EINVAL",
    arguments: [VenetFunction.queryDescriptorPool, .queryPages])
  func neverGranted(_ function: VenetFunction) throws {
    let card = try NativeCard()
    try card.negotiate(2, .max)
    try card.negotiate(0, .max)
    for count in [0, 8, 16, 24, 32] {
      let data = [UInt8](repeating: 0, count: count)
      #expect(throws: Errno.invalid) { try card.call(function, data) }
    }
  }

  @Test("A function that there is not: ENOTTY", arguments: [8, 9, 0xff, 0x107, UInt32.max])
  func unknown(_ function: UInt32) throws {
    let card = try NativeCard()
    #expect(throws: Errno.notTerminal) {
      var data: [UInt8] = []
      return try card.model.call(function, &data)
    }
  }

  @Test("Data of a wrong length: EINVAL, and nothing happens", arguments: VenetFunction.allCases)
  func length(_ function: VenetFunction) throws {
    let card = try NativeCard()
    for count in [function.byteCount + 1, function.byteCount + 16, 4096] {
      let data = [UInt8](repeating: 0, count: count)
      #expect(throws: Errno.invalid) { try card.call(function, data) }
    }
    #expect(card.host.deeds.isEmpty)
    #expect(card.model.interfaceLines.isEmpty)
  }

  @Test("A device that was closed has no link and nothing negotiated")
  func reset() throws {
    let card = try NativeCard().scattered()
    card.model.reset()
    #expect(card.model.interfaceLines.isEmpty)
    #expect(throws: Errno.noEntry) { try card.call(.linkDown) }
    _ = try card.flat()
    try card.send(frame(to: 9, from: 1))
    #expect(try card.frames() == [frame(to: 9, from: 1)])
  }

  // MARK: Shares

  @Test("Queues, the event pool and the event queue are shared by their ids")
  func shares() throws {
    let model = try NativeCard().model
    #expect([0, 1, 2].map { model.purpose(ofShare: $0) } == [.queue(0), .queue(1), .queue(2)])
    #expect(model.purpose(ofShare: 100) == .bytes)
    #expect(model.purpose(ofShare: 101) == .queue(3))
    #expect(model.nativeQueueCount == 4)
  }

  @Test("Nothing else is shared", arguments: [3, 4, 99, 102, 103, 104, UInt32.max])
  func noShare(_ id: UInt32) throws {
    #expect(try NativeCard().model.purpose(ofShare: id) == nil)
  }

  @Test("Frames and events go one way; commands both, so no ioq carries them")
  func flows() throws {
    let model = try NativeCard().model
    #expect(
      (0..<5).map { model.flow(ofQueue: $0) } == [.fromDevice, .toDevice, nil, .fromDevice, nil])
  }
}
