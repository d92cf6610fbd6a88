// swift-format-ignore-file: AlwaysUseLowerCamelCase
public import CVbus
internal import VbusClient

// SAFETY, for all below: pointers that are not NULL lead to what the header says, for the call.

@c @implementation
public func vbus_share(
  _ number: Int32, _ id: UInt32, _ memory: Int32, _ buffer: UnsafePointer<vbus_buffer>!,
  _ signal: UnsafePointer<vbus_signal>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(buffer)
    let (address, count) = unsafe (place.pointee.address, place.pointee.count)
    let wished = unsafe signal?.pointee
    return try Handles.all.with(number) { (state, box) throws(CallFault) in
      let device = try state.devices.known(number)
      let memory = try state.memories.known(memory)
      let buffer = try named(address, count, in: memory)
      guard let byteCount = UInt32(exactly: buffer.byteCount) else { throw .malformed }
      var wish = ShareWish(
        id: id, memory: memory.buffers.memory, offset: buffer.offset, byteCount: byteCount,
        signalOffset: wished?.offset)
      wish.priority = wished?.priority ?? 0
      wish.wantsOwnBells = wished?.by_message == 0
      let asked = wish
      let share = try bus { () throws(BusError) in try shared(asked, device.connection) }
      let added = try state.number(of: number, on: box)
      state.shares[added] = share
      return added
    }
  }
}

private func shared(
  _ wish: ShareWish, _ device: DeviceConnection
) throws(BusError) -> BusState.Share {
  guard wish.signalOffset != nil else {
    return BusState.Share(memory: try device.share(wish), signal: nil)
  }
  let signal = try device.shareWithSignal(wish)
  return BusState.Share(memory: signal.share, signal: signal)
}

@c @implementation
public func vbus_virtio_configuration_changes(_ number: Int32, _ memory: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try Handles.all.with(number) { (state, box) throws(CallFault) in
      let device = try state.virtio(number)
      let memory = try state.memories.known(memory)
      let signal = try bus { () throws(BusError) in
        try device.configurationChanges(in: memory.buffers)
      }
      let added = try state.number(of: number, on: box)
      state.shares[added] = BusState.Share(memory: signal.share, signal: signal)
      return added
    }
  }
}

/// Works on a share.
private func share<Result: Sendable>(
  _ number: Int32, _ body: (BusState.Share) throws(BusError) -> Result
) throws(CallFault) -> Result {
  try Handles.all.with(number) { (state, _) throws(CallFault) in
    let share = try state.shares.known(number)
    return try bus { () throws(BusError) in try body(share) }
  }
}

/// Works on the signal of a share.
private func signal<Result: Sendable>(
  _ number: Int32, _ body: (ClientSignal) throws(BusError) -> Result
) throws(CallFault) -> Result {
  try Handles.all.with(number) { (state, _) throws(CallFault) in
    guard let signal = try state.shares.known(number).signal else { throw .malformed }
    return try bus { () throws(BusError) in try body(signal) }
  }
}

@c @implementation
public func vbus_share_notify(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try signal(number) { (signal) throws(BusError) in try signal.notify() }
    return 0
  }
}

@c @implementation
public func vbus_share_wait(_ number: Int32, _ milliseconds: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try signal(number) { (signal) throws(BusError) in
      try signal.wait(milliseconds: milliseconds) ? 1 : 0
    }
  }
}

@c @implementation
public func vbus_share_descriptor(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in try share(number) { $0.memory.descriptor.number } }
}

@c @implementation
public func vbus_share_cookie(
  _ number: Int32, _ cookie: UnsafeMutablePointer<UInt64>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(cookie)
    unsafe place.pointee = try share(number) { $0.memory.wish.cookie }
    return 0
  }
}
