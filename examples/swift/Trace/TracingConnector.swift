import VbusClient

/// A way to a bus of one's own, to start from: it hands everything on to another one, and tells
/// what it was asked for.
final class TracingConnector: Connector {
  private let next: any Connector
  private let tell: (String) -> Void

  init(_ next: any Connector, tell: @escaping (String) -> Void) {
    self.next = next
    self.tell = tell
  }

  var capabilities: ConnectorCapabilities { next.capabilities }
  var descriptor: Descriptor { next.descriptor }

  func makeMemory(byteCount: Int) throws(BusError) -> BusMemory {
    tell("memory of \(byteCount) bytes")
    return try next.makeMemory(byteCount: byteCount)
  }

  func dropMemory(_ memory: BusMemory) throws(BusError) {
    tell("no more memory at \(memory.address)")
    try next.dropMemory(memory)
  }

  func open(_ id: UInt32, version: UInt32) throws(BusError) -> DeviceHandle {
    tell("open \(id)")
    return try next.open(id, version: version)
  }

  func close(_ handle: DeviceHandle) throws(BusError) {
    tell("close")
    try next.close(handle)
  }

  func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64 {
    tell("call \(function) with \(data.count) bytes")
    return try next.call(handle, function: function, flags: flags, data: &data)
  }

  func share(_ handle: DeviceHandle, _ wish: ShareWish) throws(BusError) -> SharedSignal? {
    tell("share \(wish.byteCount) bytes as \(wish.id)")
    return try next.share(handle, wish)
  }

  func ring(_ signal: SignalHandle) throws(BusError) {
    tell("ring \(signal.rawValue)")
    try next.ring(signal)
  }

  func untoldCount() throws(BusError) -> Int { try next.untoldCount() }

  func nextEvent(milliseconds: Int32) throws(BusError) -> Event? {
    try next.nextEvent(milliseconds: milliseconds)
  }

  func disconnect() {
    tell("disconnect")
    next.disconnect()
  }
}
