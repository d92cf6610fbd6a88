// swift-format-ignore-file: AlwaysUseLowerCamelCase
public import CVbus
internal import VbusClient
internal import Virtio

// SAFETY, for all below: pointers that are not NULL lead to what the header says, for the call.

@c @implementation
public func vbus_open(_ number: Int32, _ id: UInt32, _ version: UInt32) -> Int32 {
  answering { () throws(CallFault) in
    try Handles.all.with(number) { (state, box) throws(CallFault) in
      try state.check(number)
      let client = state.client
      let connection = try bus { () throws(BusError) in try client.open(id, version: version) }
      let device = try Handles.all.number(on: box)
      state.devices[device] = BusState.Device(connection: connection)
      return device
    }
  }
}

@c @implementation
public func vbus_close(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    let numbers = try Handles.all.with(number) { (state, _) throws(CallFault) in
      let device = try state.devices.known(number)
      try bus { () throws(BusError) in try device.connection.close() }
      return state.forget(device: number)
    }
    Handles.all.remove(numbers)
    return 0
  }
}

@c @implementation
public func vbus_call(
  _ number: Int32, _ function: UInt32, _ flags: UInt32, _ data: UnsafeMutableRawPointer!,
  _ count: Int, _ answer: UnsafeMutablePointer<UInt64>!
) -> Int32 {
  answering { () throws(CallFault) in
    let sent = try unsafe bytes(data, count)
    let (received, value) = try Handles.all.with(number) { (state, _) throws(CallFault) in
      let device = try state.devices.known(number)
      return try bus { () throws(BusError) in
        var data = sent
        let value = try device.connection.call(function, flags: flags, data: &data)
        return (data, value)
      }
    }
    try unsafe write(received, to: data)
    if let answer = unsafe answer { unsafe answer.pointee = value }
    return 0
  }
}

// MARK: - Virtio

/// Works on a device as a virtio driver sees it.
private func virtio<Result: Sendable>(
  _ number: Int32, _ body: (VirtioDevice) throws(BusError) -> Result
) throws(CallFault) -> Result {
  try Handles.all.with(number) { (state, _) throws(CallFault) in
    let device = try state.virtio(number)
    return try bus { () throws(BusError) in try body(device) }
  }
}

@c @implementation
public func vbus_virtio_identify(
  _ number: Int32, _ identity: UnsafeMutablePointer<vbus_virtio_identity>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(identity)
    let found = try virtio(number) { $0.identity }
    unsafe place.initialize(
      to: vbus_virtio_identity(
        device_id: found.deviceID, queue_count: found.queueCount,
        queue_size_max: found.queueSizeMax, configuration_size: found.configurationByteCount))
    return 0
  }
}

@c @implementation
public func vbus_virtio_negotiate(
  _ number: Int32, _ wanted: UInt64, _ features: UnsafeMutablePointer<UInt64>!
) -> Int32 {
  answering { () throws(CallFault) in
    let agreed = try virtio(number) { (device) throws(BusError) in
      try device.negotiate(FeatureBits(rawValue: wanted)).rawValue
    }
    if let features = unsafe features { unsafe features.pointee = agreed }
    return 0
  }
}

@c @implementation
public func vbus_virtio_start(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try virtio(number) { (device) throws(BusError) in try device.start() }
    return 0
  }
}

@c @implementation
public func vbus_virtio_reset(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try virtio(number) { (device) throws(BusError) in try device.reset() }
    return 0
  }
}

@c @implementation
public func vbus_virtio_status(
  _ number: Int32, _ status: UnsafeMutablePointer<UInt32>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(status)
    unsafe place.pointee = try virtio(number) { (device) throws(BusError) in
      try device.status().rawValue
    }
    return 0
  }
}

@c @implementation
public func vbus_virtio_read_configuration(
  _ number: Int32, _ offset: UInt32, _ place: UnsafeMutableRawPointer!, _ count: Int
) -> Int32 {
  answering { () throws(CallFault) in
    let read = try virtio(number) { (device) throws(BusError) in
      try device.configuration(offset: offset, count: count)
    }
    try unsafe write(read, to: place)
    return 0
  }
}

@c @implementation
public func vbus_virtio_write_configuration(
  _ number: Int32, _ offset: UInt32, _ place: UnsafeRawPointer!, _ count: Int
) -> Int32 {
  answering { () throws(CallFault) in
    let written = try unsafe bytes(place, count)
    try virtio(number) { (device) throws(BusError) in
      try device.setConfiguration(offset: offset, written)
    }
    return 0
  }
}
