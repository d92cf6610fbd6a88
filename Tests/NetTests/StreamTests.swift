import Devices
import Engine
import LinuxSystem
import TestSupport
import Testing
import Virtio

@Suite("A stream carries frames behind their lengths")
struct StreamTests {
  let far: Descriptor
  let card: Card

  init() throws {
    let ends = try makeStreamPair()
    far = ends.1
    card = try Card(["backend": "stream"], [ends.0])
  }

  private func lengthed(_ frame: [UInt8]) -> [UInt8] { [0, 0] + word(frame.count) + frame }

  @Test("What the guest sends comes out with its length before it")
  func sends() throws {
    try card.send(frame(to: 9, from: 1))
    #expect(try read(far, upTo: 100) == lengthed(frame(to: 9, from: 1)))
  }

  @Test("Frames that come together are told apart")
  func together() throws {
    let (one, other) = (frame(to: 1, from: 9), frame(to: 1, from: 9, pattern(900)))
    try write(lengthed(one) + lengthed(other), to: far)
    #expect(try card.receive().map(\.frame) == [one, other])
  }

  @Test("A frame that comes in parts is put together")
  func parts() throws {
    let bytes = lengthed(frame(to: 1, from: 9))
    try write(Array(bytes.prefix(2)), to: far)
    #expect(try card.receive().isEmpty)
    try write(Array(bytes[2..<9]), to: far)
    #expect(try card.receive([]).isEmpty)
    try write(Array(bytes.dropFirst(9)), to: far)
    #expect(try card.receive([]).map(\.frame) == [frame(to: 1, from: 9)])
  }

  @Test("A frame that has not been delivered is still in the socket")
  func staysWhole() throws {
    let end = try makeStreamPair()
    let card = try Card(["backend": "stream"], [end.0])
    try write(lengthed(frame(to: 1, from: 9)), to: end.1)
    try card.serve(0)
    #expect(try unreadByteCount(of: end.0) == 21)
    #expect(try card.receive().count == 1)
    #expect(try unreadByteCount(of: end.0) == 0)
  }

  @Test("A frame that came as others wait for buffers is delivered after them")
  func order() throws {
    let frames = (1...5).map { frame(to: 1, from: 9, pattern($0)) }
    for frame in frames { try write(lengthed(frame), to: far) }
    let first = try card.receive([100, 100]).map(\.frame)
    #expect(try first + card.receive().map(\.frame) == frames)
  }

  @Test("A frame too short to be one is counted")
  func tooShort() throws {
    try write(lengthed([1, 2, 3]) + lengthed(frame(to: 1, from: 9)), to: far)
    #expect(try card.receive().map(\.frame) == [frame(to: 1, from: 9)])
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test("A length that no frame has ends the host side")
  func tooLong() throws {
    try write([0, 2, 0, 0, 1, 2, 3], to: far)
    #expect(try card.receive().isEmpty)
    #expect(card.host.failure == "the stream's other end sends a frame of 131072 bytes")
  }

  @Test("What waits for the room of a stream that broke is dropped")
  func brokenWhileFull() throws {
    ignoreLostReaders()
    let source = card.memory.source(headerBytes(NetHeader()) + frame(to: 9, from: 1))
    repeat {
      _ = try card.drivers[1].reapAll()
      for _ in 0..<60 { _ = card.drivers[1].offer([source]) }
      card.drivers[1].publish()
    } while try card.serve(1) != .idle
    try write([0, 2, 0, 0], to: far)
    _ = try card.receive()
    #expect(card.host.wakes.contains(1))
    #expect(try card.serve(1) == .drained)
    #expect(card.counter(.txDropped) > 0)
  }

  @Test("Another end that closes ends the host side")
  func closed() throws {
    disconnect(far)
    #expect(try card.receive().isEmpty)
    #expect(card.host.failure == "the stream's other end has closed it")
  }

  @Test("What is sent to a stream whose other end is gone is dropped and counted")
  func sendsToNobody() throws {
    ignoreLostReaders()
    disconnect(far)
    try card.send(frame(to: 9, from: 1))
    #expect(card.counter(.txDropped) == 1)
  }

  @Test("A frame that a full stream does not take waits, and is sent when there is room")
  func backPressure() throws {
    let sent = frame(to: 9, from: 1, pattern(1400))
    let source = card.memory.source(headerBytes(NetHeader()) + sent)
    for _ in 0..<60 { _ = card.drivers[1].offer([source]) }
    card.drivers[1].publish()
    var progress = try card.serve(1)
    while progress != .idle {
      _ = try card.drivers[1].reapAll()
      for _ in 0..<60 { _ = card.drivers[1].offer([source]) }
      card.drivers[1].publish()
      progress = try card.serve(1)
    }
    let waiting = card.drivers[1].lentCount
    #expect(waiting > 0)
    while try read(far, upTo: 65536).count == 65536 {}
    try card.host.loop.turn(milliseconds: 1000)
    #expect(card.host.wakes.contains(1))
    #expect(try card.serve(1) == .drained)
  }

  @Test("A link that is down drops what comes")
  func linkDown() throws {
    try card.model.update(["link": "down"], [])
    try write(lengthed(frame(to: 1, from: 9)), to: far)
    #expect(try card.receive().isEmpty)
    #expect(card.counter(.rxDropped) == 1)
  }
}
