internal import EngineLink
internal import LinuxSystem
internal import VbusLink

/// A native client opens and closes the device.
extension LiveDevice {
  /// DEVOPEN: EBUSY while anybody has it.
  func open(_ open: OpenDevice, for client: BusClient) throws(Errno) -> OpenedDevice {
    guard isFree else { throw .busy }
    let opened = OpenedDevice(self, open, of: client)
    opening = opened
    // A predecessor's queues go on; else nothing of an earlier use is left.
    if !record.hasClient {
      record.fault = nil
      record.hasClient = true
    }
    updateStates()
    return opened
  }

  /// Its client has let it go.
  func closed() {
    opening = nil
    record.hasClient = false
    updateStates()
    onClose()
  }

  /// A predecessor's client is gone with its engine: nothing of it is left.
  func forgetLostClient() {
    guard record.hasClient, opening == nil else { return }
    for queue in queues { queue.forget() }
    record.hasClient = false
    model.reset()
    updateStates()
  }
}
