public import VbusLink

/// A device that a client has open.
///
/// It stays open until `close`, even when nobody holds this any more, and when the device leaves
/// the bus.
public final class DeviceConnection {
  /// Its number on the bus.
  public let id: UInt32
  /// What the connector calls it by while it is open.
  public let handle: DeviceHandle
  /// Whose device it is.
  public let client: BusClient

  init(id: UInt32, handle: DeviceHandle, client: BusClient) {
    self.id = id
    self.handle = handle
    self.client = client
  }

  /// Has the device carry out a function on `data`, which holds its answer afterwards. Answers the
  /// device's number. EINVAL for more than 65536 bytes and for data that is not as long as the
  /// function's, ENOTTY for a function that the device has not. `data` stays as it is then.
  @discardableResult
  public func call(
    _ function: UInt32, flags: UInt32 = 0, data: inout [UInt8]
  ) throws(BusError) -> UInt64 {
    try client.connector.call(handle, function: function, flags: flags, data: &data)
  }

  /// As above; answers the data.
  public func call(_ function: UInt32, _ data: [UInt8] = []) throws(BusError) -> [UInt8] {
    var data = data
    try call(function, data: &data)
    return data
  }

  /// Shares memory with the device. The client gives it its cookie. EEXIST for an id that is shared
  /// already, EFAULT for bytes outside of the memory, EINVAL for a signal outside of the bytes.
  public func share(_ wish: ShareWish) throws(BusError) -> ClientShare {
    var wish = wish
    wish.cookie = client.newCookie()
    if wish.signalOffset != nil { client.expect(wish.cookie) }
    do throws(BusError) {
      let signal = try client.connector.share(handle, wish)
      return try ClientShare(wish, signal, client)
    } catch {
      if wish.signalOffset != nil { client.forget(wish.cookie) }
      throw error
    }
  }

  /// Closes the device, and with it all that is shared with it. Buffers that it had come back to
  /// nobody.
  public func close() throws(BusError) { try client.connector.close(handle) }

  /// As above, and takes away the memory that only its driver used.
  func close(dropping memory: ClientMemory) throws(BusError) {
    try close()
    try client.dropMemory(memory)
  }
}
