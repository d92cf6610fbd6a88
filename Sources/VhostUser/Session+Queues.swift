internal import LinuxSystem

extension Session {
  /// Started, enabled, and told all it needs: the engine works on it ("Ring states").
  package func isRunning(_ index: Int) -> Bool {
    guard queues.indices.contains(index) else { return false }
    let queue = queues[index]
    return queue.isStarted && isEnabled(index) && queue.size > 0 && queue.addresses != nil
  }

  /// "If VHOST_USER_F_PROTOCOL_FEATURES has not been negotiated, the ring starts directly in the
  /// enabled state", otherwise disabled.
  package func isEnabled(_ index: Int) -> Bool {
    guard queues.indices.contains(index) else { return false }
    return queues[index].wasEnabled ?? !hasProtocolBit
  }

  /// Whether the driver is told of used buffers by message and not by descriptor.
  package func callsInBand(_ index: Int) -> Bool {
    guard queues.indices.contains(index), protocolFeatures.contains(.inBandNotifications) else {
      return false
    }
    return hasBackendChannel && queues[index].call != .descriptor
  }

  /// Whether the front end is told of a broken queue by message.
  package func failsInBand(_ index: Int) -> Bool {
    guard queues.indices.contains(index), protocolFeatures.contains(.inBandNotifications) else {
      return false
    }
    return hasBackendChannel && queues[index].error != .descriptor
  }

  /// Notes where a queue stopped, so that the reply and the record tell it.
  package mutating func recordStop(of index: Int, at base: UInt32) {
    guard queues.indices.contains(index) else { return }
    queues[index].base = base
  }

  private var hasProtocolBit: Bool { (ackedFeatures ?? 0) & VhostFeatures.protocolFeatures != 0 }

  /// Old QEMU acks protocol features and forgets the bit, and still enables its queues.
  var mayEnableQueues: Bool { hasProtocolBit || ackedProtocolFeatures != nil }

  private var hasPackedRings: Bool { (ackedFeatures ?? 0) & VhostFeatures.packedRing != 0 }

  private func known(_ index: UInt64) throws(SessionFault) -> Int {
    guard index < queues.count else { throw .unknownQueue(index) }
    return Int(index)
  }

  /// "A vring state description": an index and a number.
  private func state(of message: Message) throws(SessionFault) -> (index: Int, number: UInt32) {
    let words = try message.decode { (reader) throws(WireError) in
      (try reader.uint32(), try reader.uint32())
    }
    return (try known(UInt64(words.0)), words.1)
  }

  /// A queue may be set up anew when it does not run. A front end that only disabled its queues
  /// and never stopped them (User-Mode Linux) stops them so.
  private mutating func stopForChange(_ index: Int) throws(SessionFault) {
    guard !isRunning(index) else { throw .queueIsRunning(index) }
    queues[index].isStarted = false
    queues[index].kick = .unset
  }

  /// SET_VRING_NUM. A split ring's size is a power of two (VIRTIO 1.2, 2.7), a packed one's any up
  /// to 2^15 (2.8.10.1).
  mutating func setVringSize(_ message: Message) throws(SessionFault) -> Effect {
    let (index, number) = try state(of: message)
    guard (1...UInt32(queueSizeMax)).contains(number),
      hasPackedRings || number.nonzeroBitCount == 1
    else { throw .queueSize(number) }
    if queues[index].size == number { return .queueChanged(index) }
    try stopForChange(index)
    queues[index].size = UInt16(number)
    return .queueChanged(index)
  }

  /// SET_VRING_ADDR, also while the queue runs. Alignment: VIRTIO 1.2, 2.7 and 2.8.
  mutating func setVringAddresses(_ message: Message) throws(SessionFault) -> Effect {
    let words = try message.decode { (reader) throws(WireError) in
      (
        index: try reader.uint32(), flags: try reader.uint32(), descriptors: try reader.uint64(),
        used: try reader.uint64(), available: try reader.uint64(), log: try reader.uint64()
      )
    }
    let index = try known(UInt64(words.index))
    // Bit 0, VHOST_VRING_F_LOG, belongs to dirty logging, which is not offered; no other exists.
    guard words.flags == 0 else { throw .queueFlags(words.flags) }
    let availableAlignment: UInt64 = hasPackedRings ? 4 : 2
    guard words.descriptors.isMultiple(of: 16), words.used.isMultiple(of: 4),
      words.available.isMultiple(of: availableAlignment)
    else { throw .unalignedRing }
    queues[index].addresses = RingAddresses(
      descriptors: words.descriptors, used: words.used, available: words.available)
    return .queueChanged(index)
  }

  /// SET_VRING_BASE. 16 bits for a split ring; a packed one has a position in each half.
  mutating func setVringBase(_ message: Message) throws(SessionFault) -> Effect {
    let (index, number) = try state(of: message)
    guard hasPackedRings || number <= UInt32(UInt16.max) else { throw .queueBase(number) }
    try stopForChange(index)
    queues[index].base = number
    return .queueChanged(index)
  }

  /// GET_VRING_BASE stops the ring; the reply says where ("Ring states"). The number is not used.
  mutating func getVringBase(_ message: Message) throws(SessionFault) -> Effect {
    let (index, _) = try state(of: message)
    let ran = isRunning(index)
    queues[index].isStarted = false
    queues[index].kick = .unset
    return ran ? .queueStopped(index) : .queueChanged(index)
  }

  /// SET_VRING_ENABLE "only when VHOST_USER_F_PROTOCOL_FEATURES has been negotiated".
  mutating func setVringEnabled(_ message: Message) throws(SessionFault) -> Effect {
    let (index, number) = try state(of: message)
    guard mayEnableQueues else { throw .notNegotiated(.setVringEnabled) }
    guard number <= 1 else { throw .enableValue(number) }
    queues[index].wasEnabled = number == 1
    return .queueChanged(index)
  }

  /// SET_VRING_KICK, _CALL, _ERR: "Bits (0-7) of the payload contain the vring index. Bit 8 is the
  /// invalid FD flag."
  mutating func receiveDoorbell(
    _ request: Request, _ message: Message, _ descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    let word = try message.number()
    guard word & ~0x1ff == 0 else { throw .doorbellBits(word) }
    let index = try known(word & 0xff)
    let isGiven = word & 0x100 == 0
    guard descriptorCount == (isGiven ? 1 : 0) else {
      throw .descriptorCount(descriptorCount, expected: isGiven ? 1 : 0)
    }
    let bell: Doorbell = isGiven ? .descriptor : .absent
    switch request {
    case .setVringKick:
      queues[index].kick = bell
      queues[index].isStarted = true
      return .doorbell(.kick, queue: index, isGiven: isGiven)
    case .setVringCall:
      queues[index].call = bell
      return .doorbell(.call, queue: index, isGiven: isGiven)
    default:
      queues[index].error = bell
      return .doorbell(.error, queue: index, isGiven: isGiven)
    }
  }

  /// VRING_KICK, in-band: "the ring is also started on the VHOST_USER_VRING_KICK message". "The
  /// state.num field is currently reserved and must be set to 0."
  mutating func receiveKick(_ message: Message) throws(SessionFault) -> Effect {
    try require(.inBandNotifications, for: .vringKick)
    let (index, number) = try state(of: message)
    guard number == 0 else { throw .kickValue(number) }
    queues[index].isStarted = true
    return .kicked(index)
  }
}
