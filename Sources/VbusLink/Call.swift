package import LinuxSystem

/// What an engine has to do for a request that was found in order. All that is named here belongs to
/// the client that asked. Nothing has changed yet; `ClientSession.finish` does that.
package struct Call: Hashable, Sendable {
  package enum Action: Hashable, Sendable {
    case hello(Capabilities)
    /// Map the region; its memory file came with the message.
    case addMemory(Region)
    case dropMemory(Region)
    /// Attach to the ring; two bells came with the message.
    case addEventQueue(EventQueue)
    case ready
    /// Hear requests through a block; its bells, the host's and the client's, came with the message.
    case addFastCall(address: UInt64)
    /// Answer a handle for this device, if its class lets it be opened.
    case open(OpenDevice)
    /// Finish what is posted, then let go of the device and all it shares.
    case close(OpenDevice)
    /// Have the device carry out a function on `byteCount` bytes at `address`.
    case call(OpenDevice, function: UInt32, byteCount: UInt32, flags: UInt32, address: UInt64)
    /// Give the memory to the device; two bells came with the message if its signal has its own.
    case share(Share)
    /// The client rings for this memory's signal.
    case signal(Share)
  }

  package let action: Action
  let verb: UInt32
  let tag: UInt32
}

/// How carrying out a call went.
package enum Outcome: Hashable, Sendable {
  /// With the number that a device call answers.
  case done(UInt64 = 0)
  case refused(Errno)
}

/// What a message of a client comes to.
package enum Reaction: Hashable, Sendable {
  /// Do it, then answer with what `finish` says.
  case carryOut(Call)
  /// Answer that.
  case answer(Reply)
}
