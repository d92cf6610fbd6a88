import Devices
import LinuxSystem
import Testing
import VbusLink
import Virtio

@Suite("A card grants what is asked for, what it has, and what the administrator lets through")
struct VenetCapabilityTests {
  @Test("Everything that is asked for comes but UFO and PMTD", arguments: [63, .max] as [UInt32])
  func all(_ bits: UInt32) throws {
    #expect(try NativeCard().negotiate(0, bits) == 15)
  }

  @Test("Nothing comes that is not asked for", arguments: [0, 1, 2, 5, 9, 14] as [UInt32])
  func some(_ bits: UInt32) throws { #expect(try NativeCard().negotiate(0, bits) == bits) }

  @Test("Of events there are two")
  func events() throws { #expect(try NativeCard().negotiate(1, .max) == 3) }

  @Test("Of large received packets nothing is granted")
  func largeReceive() throws { #expect(try NativeCard().negotiate(2, .max) == 0) }

  @Test("Of a group that there is not nothing is granted, and it is told by its number")
  func unknown() throws {
    let card = try NativeCard()
    #expect(
      try card.call(.negotiate, little(UInt32(3)) + little(UInt32(1))) == [3, 0, 0, 0, 0, 0, 0, 0])
    #expect(try card.negotiate(.max, .max) == 0)
    #expect(card.model.interfaceLines.isEmpty)
  }

  @Test(
    "What is masked in virtio's words is not granted in these",
    arguments: [
      (FeatureBits.netHostTSO4, UInt32(13)), (.netHostTSO6, 11), (.netHostECN, 7),
      (.netChecksum, 0), (.netGuestChecksum, 15), (.netMergeableBuffers, 15),
    ])
  func masked(_ masked: FeatureBits, _ granted: UInt32) throws {
    let card = try NativeCard(offered: FeatureBits(rawValue: .max).subtracting(masked))
    #expect(try card.negotiate(0, .max) == granted)
  }

  @Test("The state of the link is told only where virtio's status may be")
  func maskedStatus() throws {
    let card = try NativeCard(offered: FeatureBits(rawValue: .max).subtracting(.netStatus))
    #expect(try card.negotiate(1, 3) == 2)
  }

  @Test("A stream has no place for what parts may ask for")
  func stream() throws {
    let (near, _) = try makeStreamPair()
    #expect(try NativeCard(["backend": "stream"], [near]).negotiate(0, .max) == 0)
  }

  @Test("While the link is up: EINVAL, and what was granted stays")
  func whileUp() throws {
    let card = try NativeCard().scattered([.scatterGather])
    #expect(throws: Errno.invalid) { try card.negotiate(0, 0) }
    #expect(throws: Errno.invalid) { try card.negotiate(7, 0) }
    #expect(card.model.interfaceLines == ["granted 0 1", "link 1"])
  }

  @Test("The newest word counts, also when the link was up and is down")
  func anew() throws {
    let card = try NativeCard()
    try card.negotiate(0, 15)
    try card.negotiate(0, 1)
    try card.call(.linkUp)
    try card.call(.linkDown)
    #expect(card.model.interfaceLines == ["granted 0 1"])
    #expect(try card.negotiate(0, 0) == 0)
    #expect(card.model.interfaceLines.isEmpty)
  }

  // MARK: A successor

  @Test("A new engine goes on with the link and the form of frames")
  func succeeds() throws {
    let card = try NativeCard().scattered()
    #expect(card.model.interfaceLines == ["granted 0 15", "link 1"])
    #expect(try card.succeed())
    #expect(throws: Errno.exists) { try card.call(.linkUp) }
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    #expect(try card.packets().map(\.frame) == [frame(to: 9, from: 1)])
  }

  @Test("A new engine tells again where the cable is, and to look at what was sent")
  func succeedsTelling() throws {
    let card = try NativeCard().telling([.linkState, .transmitComplete])
    #expect(try card.succeed())
    #expect(try card.told().map { number($0, at: VenetEvents.number, 4) } == [0, 1])
  }

  @Test("A new engine goes on with what was granted before the link was up")
  func succeedsDown() throws {
    let card = try NativeCard()
    try card.negotiate(1, 3)
    #expect(try card.succeed())
    #expect(card.model.interfaceLines == ["granted 1 3"])
    #expect(throws: Errno.noEntry) { try card.call(.linkDown) }
  }

  @Test("Nothing was set up: nothing is")
  func succeedsWithNothing() throws {
    let card = try NativeCard()
    #expect(try card.succeed([]))
    #expect(card.model.interfaceLines.isEmpty)
  }

  @Test(
    "Lines that make no sense are refused",
    arguments: [
      ["granted 0 16"], ["granted 2 1"], ["granted 3 1"], ["granted 0"], ["granted 0 1 1"],
      ["granted 0 -1"], ["granted 0 x"], ["granted  0 1"], ["link 0"], ["link"],
      ["link 1", "link 1"],
      ["up 1"], [""], ["granted 0 1", "nonsense"],
    ])
  func refused(_ lines: [String]) throws {
    let card = try NativeCard()
    #expect(try !card.succeed(lines))
    #expect(card.model.interfaceLines.isEmpty)
  }
}
