import Devices
import LinuxSystem
import TestSupport
import Testing
import VbusLink
import Virtio

@Suite("Clients of virtual-ethernet and of virtio are on one switch")
struct MixedSwitchTests {
  private let host: PlayedHost
  /// At station 1.
  private let native: NativeCard

  init() throws {
    host = try PlayedHost()
    native = try NativeCard(["backend": "switch", "mac": mac(1)], on: host)
  }

  /// At station 2.
  private func virtio(without masked: FeatureBits = []) throws -> Card {
    try Card(["backend": "switch", "mac": mac(2)], on: host, without: masked)
  }

  /// As `TCPFrame`, to station 1.
  private func toNative(_ bytes: [UInt8]) -> [UInt8] { station(1) + station(2) + bytes[12...] }

  @Test("Frames pass both ways, flat here and behind a header there")
  func flat() throws {
    let (native, virtio) = (try native.flat(), try virtio())
    try native.send(frame(to: 2, from: 1))
    #expect(try virtio.receive().map(\.frame) == [frame(to: 2, from: 1)])
    try virtio.send(frame(to: 1, from: 2))
    #expect(try native.frames() == [frame(to: 1, from: 2)])
  }

  @Test("Frames pass both ways, in parts here and behind a header there")
  func scattered() throws {
    let (native, virtio) = (try native.scattered(), try virtio())
    try native.send(Packet(frame(to: 2, from: 1), cutAfter: [14], in: native.memory).bytes)
    #expect(try virtio.receive().map(\.frame) == [frame(to: 2, from: 1)])
    try virtio.send(frame(to: 1, from: 2))
    #expect(try native.packets([[14, 2000]]).map(\.frame) == [frame(to: 1, from: 2)])
  }

  @Test("A large frame of a native client goes whole to a virtio driver that takes it")
  func largeWhole() throws {
    let (native, virtio) = (try native.scattered(), try virtio())
    let tcp = TCPFrame(payload: pattern(3000))
    let header = tcp.header(cutTo: 1000)
    try native.send(Packet(tcp.bytes, cutAfter: [54, 1000], in: native.memory).with(header).bytes)
    let came = try virtio.receive()
    #expect(came.map(\.frame) == [tcp.bytes])
    #expect(came.map(\.header.kind) == [NetHeader.tcp4])
    #expect(came.map(\.header.segmentByteCount) == [1000])
  }

  @Test("It comes cut, with all its checksums, to one that does not", arguments: [false, true])
  func largeCut(_ isVersion6: Bool) throws {
    let (native, virtio) = (try native.scattered(), try virtio(without: .netOffloads))
    let tcp = TCPFrame(isVersion6: isVersion6, payload: pattern(3000))
    let header = tcp.header(cutTo: 1000)
    try native.send(Packet(tcp.bytes, in: native.memory).with(header).bytes)
    let came = try virtio.receive()
    #expect(came.flatMap { $0.frame[(tcp.transport + 20)...] } == tcp.payload)
    #expect(came.count == 3)
    #expect(
      came.allSatisfy { tcpSum($0.frame, network: 14, isVersion6: isVersion6) == 0xffff })
  }

  @Test("A checksum that a native client left out is completed for who does not take that")
  func checksum() throws {
    let (native, virtio) = (try native.scattered(), try virtio(without: .netOffloads))
    let tcp = TCPFrame()
    try native.send(Packet(tcp.bytes, in: native.memory).with(tcp.checksumHeader).bytes)
    let came = try virtio.receive()
    #expect(came.map(\.header.flags) == [0])
    #expect(came.map { tcpSum($0.frame, network: 14, isVersion6: false) } == [0xffff])
  }

  @Test("A large frame of virtio's comes cut to a native client", arguments: [false, true])
  func largeToNative(_ isScattered: Bool) throws {
    let native = isScattered ? try native.scattered() : try native.flat()
    let virtio = try virtio()
    let tcp = TCPFrame(payload: pattern(3000))
    try virtio.send(toNative(tcp.bytes), tcp.header(cutTo: 1000))
    let frames = isScattered ? try native.packets().map(\.frame) : try native.frames()
    #expect(frames.flatMap { $0[54...] } == tcp.payload)
    #expect(frames.allSatisfy { tcpSum($0, network: 14, isVersion6: false) == 0xffff })
  }

  @Test("A checksum that virtio left out comes completed in a flat frame")
  func checksumToFlat() throws {
    let (native, virtio) = (try native.flat(), try virtio())
    let tcp = TCPFrame()
    try virtio.send(toNative(tcp.bytes), tcp.checksumHeader)
    let frames = try native.frames()
    #expect(frames.map { tcpSum($0, network: 14, isVersion6: false) } == [0xffff])
  }

  @Test("It comes left out to who takes parts")
  func checksumToScattered() throws {
    let (native, virtio) = (try native.scattered(), try virtio())
    let tcp = TCPFrame()
    try virtio.send(toNative(tcp.bytes), tcp.checksumHeader)
    let packet = try #require(try native.packets().first)
    #expect(packet.flags == VenetPacket.Flags.needsChecksum)
    #expect(packet.frame == toNative(tcp.bytes))
  }

  @Test("A frame that is larger than the MTU is for no native client")
  func tooLong() throws {
    let native = try native.flat()
    let virtio = try virtio(without: [.netMTU])
    try virtio.send(frame(to: 1, from: 2, pattern(3000)))
    #expect(try native.frames([4096]).isEmpty)
    #expect(native.counter(.rxErrors) == 1)
  }

  @Test("Two native clients exchange frames in either form")
  func native2() throws {
    let native = try native.scattered()
    let other = try NativeCard(["backend": "switch", "mac": mac(2)], on: host).flat()
    try native.send(Packet(frame(to: 2, from: 1), in: native.memory).bytes)
    #expect(try other.frames() == [frame(to: 2, from: 1)])
    try other.send(frame(to: 1, from: 2))
    #expect(try native.packets().map(\.frame) == [frame(to: 1, from: 2)])
  }
}
