/// A channel on an event loop: delivers packets as they come, and keeps those that the other end
/// has no room for yet.
///
/// A peer that stops reading makes the outbox grow; the owner bounds it by what it says at all.
package final class Link {
  private let channel: Channel
  private let loop: EventLoop
  private var token: EventLoop.Token?
  private var outbox: [Packet] = []
  private let onPacket: (Packet) -> Void
  private let onEnd: () -> Void
  private var isWaitingForRoom = false

  /// Called when everything that had waited for room is sent.
  package var onRoom: () -> Void = {}

  /// True while something waits for room.
  package var isFull: Bool { !outbox.isEmpty }

  /// Limits the packets taken in one turn, so that one busy link starves no other.
  private static let packetsPerTurn = 64
  /// A socket's buffer (net.core.wmem_default, 208 KiB) holds far fewer.
  private static let packetsPerSocket = 4096

  package init(
    _ channel: Channel, on loop: EventLoop, onPacket: @escaping (Packet) -> Void,
    onEnd: @escaping () -> Void
  ) throws(Errno) {
    self.channel = channel
    self.loop = loop
    self.onPacket = onPacket
    self.onEnd = onEnd
    token = try loop.watch(channel.descriptor) { [weak self] in self?.isReady($0) }
  }

  /// Sends a packet, or keeps it until there is room. Nothing is sent after the end.
  package func send(_ packet: Packet) {
    guard token != nil else { return }
    outbox.append(packet)
    flush()
  }

  /// Takes what has arrived, without waiting, up to the end. More than a socket holds is not
  /// taken: it comes from somebody who goes on writing.
  package func drain() {
    for _ in 0..<Self.packetsPerSocket where token != nil {
      if !receiveOne() { return }
    }
  }

  package func close() {
    guard let token else { return }
    loop.remove(token)
    self.token = nil
    outbox = []
  }

  private func isReady(_ readiness: Readiness) {
    if readiness.contains(.writable) { flush() }
    for _ in 0..<Self.packetsPerTurn where token != nil {
      if !receiveOne() { break }
    }
  }

  /// Delivers one packet; `false` when none waits or the link has ended.
  private func receiveOne() -> Bool {
    do {
      guard let packet = try channel.receive() else {
        end()
        return false
      }
      onPacket(packet)
      return true
    } catch {
      if error != .again { end() }
      return false
    }
  }

  private func flush() {
    var sent = 0
    do {
      while sent < outbox.count {
        try channel.send(outbox[sent])
        sent += 1
      }
    } catch {
      // The end is noticed by receiving; what cannot be sent now waits for room, and what can never
      // be sent is passed over alone.
      if error == .messageTooLong { sent += 1 } else if error != .again { sent = outbox.count }
    }
    outbox.removeFirst(sent)
    guard let token, isWaitingForRoom != isFull else { return }
    isWaitingForRoom = isFull
    try? loop.rewatch(token, for: isFull ? [.readable, .writable] : .readable)
    if !isFull { onRoom() }
  }

  private func end() {
    close()
    onEnd()
  }
}
