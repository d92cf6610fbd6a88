internal import SharedMemory

/// Who wants to hear what: VIRTIO 1.2 sections 2.7.7 (interrupts) and 2.7.10 (kicks).
extension SplitRing {
  public mutating func shouldInterrupt() -> Bool {
    // The driver writes its wish, then looks at the used index; we did it the other way round.
    fullFence()
    let before = considered
    considered = published
    if owesInterrupt {
      owesInterrupt = false
      return true
    }
    guard published != before else { return false }
    guard hasEventIndex else {
      return available.relaxed16(at: SplitLayout.flags) & SplitLayout.unwanted == 0
    }
    let event = available.relaxed16(at: layout.usedEvent)
    return Self.passes(event, from: before, to: published)
  }

  /// Whether an index went past `event` on its way (2.7.7.2, 2.7.10.1).
  @inline(__always)
  package static func passes(_ event: UInt16, from old: UInt16, to new: UInt16) -> Bool {
    new &- event &- 1 < new &- old
  }

  public mutating func disableKicks() {
    // With EVENT_IDX the event index stays behind, which says the same (2.7.10.2).
    guard !hasEventIndex else { return }
    used.storeRelaxed(SplitLayout.unwanted, at: SplitLayout.flags)
  }

  /// Asks for a kick for what is offered after all that was seen: chains that were put back, for
  /// they were too few, do not count.
  public mutating func enableKicks() -> Bool {
    if hasEventIndex {
      used.storeRelaxed(seen, at: layout.availableEvent)
    } else {
      used.storeRelaxed(UInt16(0), at: SplitLayout.flags)
    }
    // A chain offered before the driver could see our wish came without a kick.
    fullFence()
    return available.relaxed16(at: SplitLayout.index) != seen
  }
}
