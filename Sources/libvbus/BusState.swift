internal import VbusClient

/// What was made with one client, by the numbers of it all.
struct BusState {
  let client: BusClient
  /// Its own.
  var number: Int32 = 0
  var devices: [Int32: Device] = [:]
  var memories: [Int32: Memory] = [:]
  var shares: [Int32: Share] = [:]
  var queues: [Int32: ClientQueue] = [:]

  struct Device {
    let connection: DeviceConnection
    var virtio: VirtioDevice?
    /// Of its shares and queues.
    var numbers: [Int32] = []
  }

  struct Memory {
    let buffers: ClientMemory
    let mapping: MemoryMapping
  }

  struct Share {
    let memory: ClientShare
    /// Nil where the memory has none.
    let signal: ClientSignal?
  }

  init(_ client: BusClient) { self.client = client }

  /// All numbers of this bus.
  var numbers: [Int32] {
    [number] + devices.keys + memories.keys + shares.keys + queues.keys
  }

  func check(_ number: Int32) throws(CallFault) {
    guard number == self.number else { throw .noSuchNumber(number) }
  }

  /// The device as a virtio driver sees it, which is asked for once.
  mutating func virtio(_ number: Int32) throws(CallFault) -> VirtioDevice {
    let device = try devices.known(number)
    if let virtio = device.virtio { return virtio }
    let virtio = try bus { () throws(BusError) in try VirtioDevice(device.connection) }
    devices[number]?.virtio = virtio
    return virtio
  }

  /// Gives a number to a share or queue of a device.
  mutating func number(of device: Int32, on bus: Handles.Bus) throws(CallFault) -> Int32 {
    let number = try Handles.all.number(on: bus)
    devices[device]?.numbers.append(number)
    return number
  }

  /// Forgets a device that was closed; answers all numbers that are gone with it.
  mutating func forget(device number: Int32) -> [Int32] {
    guard let device = devices.removeValue(forKey: number) else { return [] }
    for number in device.numbers {
      shares[number] = nil
      queues.removeValue(forKey: number)?.release()
    }
    return [number] + device.numbers
  }
}

extension Dictionary where Key == Int32 {
  /// What a number stands for.
  func known(_ number: Int32) throws(CallFault) -> Value {
    guard let value = self[number] else { throw .noSuchNumber(number) }
    return value
  }
}
