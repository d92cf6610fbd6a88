package import SharedMemory

/// One side of a shm-signal in real shared memory; not generic, for the reason of `IoqDriverRing`.
package struct WindowSignal {
  private var signal: ShmSignal<SharedWindow>

  /// Finds a signal that the owner of the memory has formatted.
  package init(_ window: SharedWindow, at offset: Int, as side: Side) throws(RingFault) {
    signal = try ShmSignal(window, at: offset, as: side)
  }

  /// Says that the memory has changed. True when the peer wants to be woken for it: ring.
  package func inject() -> Bool { signal.inject() }
  /// As `inject`, and the bell has to be rung: one may have been lost with a predecessor.
  package func insist() { signal.insist() }
  /// Begins to look, if there is a reason to.
  package func begin() -> Bool { signal.begin() }
  /// Ends a look. True when something changed meanwhile: begin again.
  package func finish() -> Bool { signal.finish() }
  /// Asks for bells. True when something changed already: look now.
  package mutating func enable() -> Bool { signal.enable() }
  /// Asks for no bells; what changes is marked all the same.
  package mutating func disable() { signal.disable() }
  /// Asks for bells, for who looks at the memory itself afterwards.
  package mutating func listen() { signal.listen() }
}
