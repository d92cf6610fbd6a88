// swift-format-ignore-file: AlwaysUseLowerCamelCase
public import CVbus
internal import Rings
internal import SharedMemory
internal import Vbus
internal import VbusClient
internal import Virtio

// SAFETY, for all below: pointers that are not NULL lead to what the header says, for the call.

@c @implementation
public func vbus_queue(
  _ number: Int32, _ id: UInt32, _ memory: Int32, _ shape: UnsafePointer<vbus_queue_shape>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(shape)
    let wished = try unsafe queueShape(place.pointee)
    return try Handles.all.with(number) { (state, box) throws(CallFault) in
      let device = try state.devices.known(number)
      let memory = try state.memories.known(memory)
      let queue = try bus { () throws(BusError) in
        try device.connection.makeQueue(id, wished, in: memory.buffers)
      }
      let added = try state.number(of: number, on: box)
      state.queues[added] = queue
      return added
    }
  }
}

private func queueShape(_ shape: vbus_queue_shape) throws(CallFault) -> QueueShape {
  let flow: Flow? =
    switch shape.flow {
    case VBUS_BOTH_WAYS: nil
    case VBUS_TO_DEVICE: .toDevice
    case VBUS_FROM_DEVICE: .fromDevice
    default: throw .malformed
    }
  let size = Int(shape.entries)
  var wished: QueueShape
  switch shape.ring {
  case VBUS_IOQ:
    guard let flow else { throw .malformed }
    wished = .ioq(size, flow)
  case VBUS_VIRTQUEUE:
    wished = .virtqueue(size, features: FeatureBits(rawValue: shape.features), flow: flow)
  default: throw .malformed
  }
  wished.priority = shape.priority
  wished.wantsOwnBells = shape.by_message == 0
  return wished
}

/// Works on a queue.
private func queue<Result: Sendable>(
  _ number: Int32, _ body: (ClientQueue) throws(BusError) -> Result
) throws(CallFault) -> Result {
  try Handles.all.with(number) { (state, _) throws(CallFault) in
    let queue = try state.queues.known(number)
    return try bus { () throws(BusError) in try body(queue) }
  }
}

@c @implementation
public func vbus_queue_restart(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try queue(number) { (queue) throws(BusError) in try queue.restart() }
    return 0
  }
}

@c @implementation
public func vbus_queue_post(
  _ number: Int32, _ chain: UnsafePointer<vbus_segment>!, _ count: Int, _ cookie: UInt64
) -> Int32 {
  answering { () throws(CallFault) in
    guard (1...QueueSize.most).contains(count) else { throw .malformed }
    let place = unsafe try present(chain)
    let segments = unsafe UnsafeBufferPointer(start: place, count: count).map {
      Segment(
        address: GuestAddress($0.address), count: $0.count, isWritable: $0.is_writable != 0)
    }
    return try queue(number) { (queue) throws(BusError) in
      try queue.post(segments, cookie: cookie) ? 1 : 0
    }
  }
}

@c @implementation
public func vbus_queue_publish(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try queue(number) { (queue) throws(BusError) in try queue.publish() }
    return 0
  }
}

@c @implementation
public func vbus_queue_reap(
  _ number: Int32, _ completion: UnsafeMutablePointer<vbus_completion>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(completion)
    let reaped = try queue(number) { (queue) throws(BusError) in try queue.reap() }
    guard let reaped else { return 0 }
    unsafe place.initialize(
      to: vbus_completion(cookie: reaped.cookie, written: reaped.written))
    return 1
  }
}

@c @implementation
public func vbus_queue_wait(_ number: Int32, _ milliseconds: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try queue(number) { (queue) throws(BusError) in
      try queue.wait(milliseconds: milliseconds) ? 1 : 0
    }
  }
}

@c @implementation
public func vbus_queue_enable(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try queue(number) { $0.enableNotifications() ? 1 : 0 }
  }
}

@c @implementation
public func vbus_queue_disable(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try queue(number) { $0.disableNotifications() }
    return 0
  }
}

@c @implementation
public func vbus_queue_clear(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in try queue(number) { $0.share.clear() ? 1 : 0 } }
}

@c @implementation
public func vbus_queue_descriptor(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in try queue(number) { $0.descriptor.number } }
}

@c @implementation
public func vbus_queue_cookie(
  _ number: Int32, _ cookie: UnsafeMutablePointer<UInt64>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(cookie)
    unsafe place.pointee = try queue(number) { $0.share.wish.cookie }
    return 0
  }
}
