internal import Engine
internal import SharedMemory
internal import Virtio

/// The control queue of a card (VIRTIO 1.2 section 5.1.6.5). The only command of the features that
/// are offered is the acknowledgement of an announcement.
struct NetControl: ~Copyable {
  /// VIRTIO_NET_CTRL_ANNOUNCE and VIRTIO_NET_CTRL_ANNOUNCE_ACK.
  private static let announce: UInt8 = 3
  private static let announceAcknowledged: UInt8 = 0
  /// VIRTIO_NET_OK and VIRTIO_NET_ERR.
  private static let ok: UInt8 = 0
  private static let failed: UInt8 = 1

  private var segments = Segments(capacity: 16)

  /// Serves commands; `acknowledged` becomes true when the guest has announced itself.
  mutating func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int, acknowledged: inout Bool
  ) throws(RingFault) -> Progress {
    for _ in 0..<budget {
      guard let loan = try ring.next(&segments) else { return .drained }
      do throws(RingFault) { try perform(memory, &acknowledged) } catch {
        loan.forfeit()
        throw error
      }
      ring.settle(loan, written: 1)
    }
    return .more
  }

  /// The first two readable bytes are class and command, the first writable one is the answer.
  private mutating func perform(
    _ memory: GuestMemory, _ acknowledged: inout Bool
  ) throws(RingFault) {
    guard segments.writableBytes > 0 else { throw .noRoomForAnswer }
    do throws(MemoryFault) {
      var command = InlineArray<2, UInt8>(repeating: 0xff)
      var span = command.mutableSpan
      var place = segments.readable(from: 0)
      let count = try segments.copyOut(&place, into: &span, of: memory)
      let isKnown =
        count == 2 && command[0] == Self.announce && command[1] == Self.announceAcknowledged
      if isKnown { acknowledged = true }
      let answer: InlineArray<1, UInt8> = [isKnown ? Self.ok : Self.failed]
      place = segments.writable(from: 0)
      _ = try segments.copyIn(answer.span, at: &place, of: memory)
    } catch { throw .memory(error) }
  }
}
