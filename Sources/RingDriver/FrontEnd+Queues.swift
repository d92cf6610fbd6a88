package import LinuxSystem
package import VhostUser

extension FrontEnd {
  /// A ring as a front end announces it: plain addresses and descriptors, whoever made them.
  package struct Ring: Sendable {
    package var index: Int
    package var size: UInt16
    /// User addresses within the memory that was announced.
    package var descriptors: UInt64
    package var available: UInt64
    package var used: UInt64
    package var base: UInt32 = 0
    /// `nil`: the back end polls, or is kicked by message.
    package var kick: Descriptor?
    /// `nil`: the front end polls, or is called by message.
    package var call: Descriptor?
    package var error: Descriptor?

    package init(
      index: Int, size: UInt16, descriptors: UInt64, available: UInt64, used: UInt64,
      kick: Descriptor?, call: Descriptor?
    ) {
      self.index = index
      self.size = size
      self.descriptors = descriptors
      self.available = available
      self.used = used
      self.kick = kick
      self.call = call
    }
  }

  /// Announces a ring in the order QEMU does: size, base, addresses, doorbells, enable.
  package func start(_ ring: Ring) throws(FrontEndError) {
    try tellState(.setVringSize, ring.index, UInt32(ring.size))
    try tellState(.setVringBase, ring.index, ring.base)
    try setAddresses(ring)
    if ring.error != nil { try tellDoorbell(.setVringError, ring.index, ring.error) }
    try tellDoorbell(.setVringCall, ring.index, ring.call)
    try tellDoorbell(.setVringKick, ring.index, ring.kick)
    try setEnabled(ring.index, true)
  }

  /// SET_VRING_ADDR.
  package func setAddresses(_ ring: Ring) throws(FrontEndError) {
    let payload = payloadBytes {
      $0.put(UInt32(clamping: ring.index))
      $0.put(UInt32(0))
      $0.put(ring.descriptors)
      $0.put(ring.used)
      $0.put(ring.available)
      $0.put(UInt64(0))
    }
    try tell(.setVringAddresses, payload)
  }

  /// SET_VRING_ENABLE, where protocol features are negotiated.
  package func setEnabled(_ index: Int, _ isEnabled: Bool) throws(FrontEndError) {
    guard !protocolFeatures.isEmpty else { return }
    try tellState(.setVringEnabled, index, isEnabled ? 1 : 0)
  }

  /// GET_VRING_BASE: stops a ring and answers where it stopped.
  package func stop(_ index: Int) throws(FrontEndError) -> UInt32 {
    let answer = try ask(Message(.getVringBase, payload: statePayload(index, 0)))
    return UInt32(truncatingIfNeeded: try answer.expectNumber() >> 32)
  }

  /// VRING_KICK, the message.
  package func kickInBand(_ index: Int) throws(FrontEndError) {
    try tellState(.vringKick, index, 0)
  }

  /// GET_QUEUE_NUM.
  package func queueCount() throws(FrontEndError) -> UInt64 {
    try ask(Message(.getQueueCount)).expectNumber()
  }

  /// SET_VRING_NUM, _BASE, _ENABLE and others that carry an index and a number.
  package func tellState(
    _ request: Request, _ index: Int, _ number: UInt32
  ) throws(FrontEndError) {
    try tell(request, statePayload(index, number))
  }

  /// SET_VRING_KICK, _CALL or _ERR; without a descriptor bit 8 says so.
  package func tellDoorbell(
    _ request: Request, _ index: Int, _ descriptor: Descriptor?
  ) throws(FrontEndError) {
    let word = UInt64(UInt8(clamping: index)) | (descriptor == nil ? 0x100 : 0)
    try tell(request, payloadBytes { $0.put(word) }, descriptor.map { [$0] } ?? [])
  }

  private func statePayload(_ index: Int, _ number: UInt32) -> [UInt8] {
    payloadBytes {
      $0.put(UInt32(clamping: index))
      $0.put(number)
    }
  }
}
