// swift-format-ignore-file: AlwaysUseLowerCamelCase
public import CVbus
internal import VbusClient
internal import VbusLink

// SAFETY, for all below: pointers that are not NULL lead to what the header says, for the call.

@c @implementation
public func vbus_connect(_ path: UnsafePointer<CChar>!) -> Int32 {
  answering { () throws(CallFault) in
    try Handles.all.connect(to: unsafe String(cString: present(path)))
  }
}

@c @implementation
public func vbus_disconnect(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    let numbers = try Handles.all.with(number) { (state, _) throws(CallFault) in
      try state.check(number)
      state.client.disconnect()
      let numbers = state.numbers
      state.devices = [:]
      state.shares = [:]
      state.queues = [:]
      state.memories = [:]
      return numbers
    }
    Handles.all.remove(numbers)
    return 0
  }
}

/// Works on the client of a bus.
private func client<Result: Sendable>(
  _ number: Int32, _ body: (BusClient) throws(BusError) -> Result
) throws(CallFault) -> Result {
  try Handles.all.with(number) { (state, _) throws(CallFault) in
    try state.check(number)
    let client = state.client
    return try bus { () throws(BusError) in try body(client) }
  }
}

@c @implementation
public func vbus_devices(
  _ number: Int32, _ list: UnsafeMutablePointer<vbus_device_info>!, _ capacity: Int
) -> Int32 {
  answering { () throws(CallFault) in
    let devices = try client(number) { (client) throws(BusError) in try client.devices() }
    guard capacity > 0 else { return Int32(clamping: devices.count) }
    let list = unsafe try present(list)
    for (index, device) in devices.prefix(capacity).enumerated() {
      unsafe (list + index).initialize(to: information(device.id, device.type))
    }
    return Int32(clamping: devices.count)
  }
}

private func information(_ id: UInt32, _ type: String) -> vbus_device_info {
  var information = vbus_device_info()
  information.id = id
  // Its last byte stays the NUL that it is.
  unsafe withUnsafeMutableBytes(of: &information.type) { room in
    unsafe room.copyBytes(from: type.utf8.prefix(room.count - 1))
  }
  return information
}

@c @implementation
public func vbus_next_event(
  _ number: Int32, _ event: UnsafeMutablePointer<vbus_event>!, _ milliseconds: Int32
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(event)
    let event = try client(number) { (client) throws(BusError) in
      try client.nextEvent(milliseconds: milliseconds)
    }
    guard let event else { return 0 }
    unsafe place.initialize(to: told(event))
    return 1
  }
}

private func told(_ event: Event) -> vbus_event {
  var told = vbus_event()
  switch event {
  case .deviceAdded(let id, let type):
    told.kind = VBUS_DEVICE_ADDED
    told.device = information(id, type)
  case .deviceDropped(let id):
    told.kind = VBUS_DEVICE_DROPPED
    told.device = information(id, "")
  case .signal(let cookie): (told.kind, told.cookie) = (VBUS_SIGNAL, cookie)
  case .shareClosed(let cookie): (told.kind, told.cookie) = (VBUS_SHARE_CLOSED, cookie)
  }
  return told
}

@c @implementation
public func vbus_descriptor(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in try client(number) { $0.descriptor.number } }
}
