@testable import Keeper
import LinuxSystem

/// A keeper for one engine after another: holds what they put and says what they ask, like the
/// real one, on a thread of its own.
struct PlayedKeeper {
  private let boss: Channel

  /// `initial` are kept from the start.
  init(_ initial: [String: Descriptor]) throws {
    let (near, far) = try Channel.pair()
    boss = near
    _ = try Thread { Self.serve(far, initial) }
  }

  /// The channel of the next engine; that of the one before is served no more.
  func channel() throws -> Descriptor {
    let (near, far) = try Channel.pair()
    try boss.send(Packet([1], [near.descriptor]))
    return far.descriptor
  }

  private static func serve(_ boss: Channel, _ initial: [String: Descriptor]) {
    var kept = KeptDescriptors()
    for (name, descriptor) in initial { kept.put(descriptor, as: name) }
    var engine: Channel?
    while true {
      _ = wait(on: (engine ?? boss).descriptor, milliseconds: 10)
      if let packet = try? boss.receive() {
        engine = packet.descriptors.first.map { Channel($0) }
      } else if hasEnded(boss.descriptor) {
        return
      }
      while let engine, let packet = try? engine.receive() { answer(packet, on: engine, &kept) }
    }
  }

  private static func answer(_ packet: Packet, on engine: Channel, _ kept: inout KeptDescriptors) {
    switch try? KeeperRequest(packet.bytes) {
    case .put(let names):
      for (name, descriptor) in zip(names, packet.descriptors) { kept.put(descriptor, as: name) }
    case .take(let name): handOut(kept.below(name), on: engine)
    case .accept(let name):
      if let listener = packet.descriptors.first, let connection = try? accept(from: listener),
        let entry = kept.put(connection, as: name)
      {
        try? engine.send(
          Packet(
            KeeperReply.item(name: name, lastSaid: entry.lastSaid).bytes, [entry.descriptor]))
      } else {
        try? engine.send(Packet(KeeperReply.end.bytes))
      }
    case .drop(let name): kept.drop(name)
    case .say(let name, let number, let bytes): kept.say(bytes, number: number, through: name)
    default: return
    }
  }

  private static func handOut(
    _ items: [(name: String, entry: KeptDescriptors.Entry)], on engine: Channel
  ) {
    for (name, entry) in items {
      let reply = KeeperReply.item(name: name, lastSaid: entry.lastSaid)
      try? engine.send(Packet(reply.bytes, [entry.descriptor]))
    }
    try? engine.send(Packet(KeeperReply.end.bytes))
  }
}
