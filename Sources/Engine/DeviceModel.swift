package import LinuxSystem
package import SharedMemory
package import Virtio

/// What a device class does with its queues: the data half of a class. One instance serves one live device.
package protocol DeviceModel: AnyObject {
  /// The virtio feature bits this instance can serve, ring bits included.
  var features: UInt64 { get }
  var queueCount: Int { get }
  /// The device configuration space as the guest reads it (VIRTIO 1.2 section 2.5).
  var configuration: [UInt8] { get }
  /// Takes a guest's write to the configuration space; false when those bytes are read-only.
  func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool
  /// What driver and device agreed on; before any queue starts.
  func negotiated(_ features: UInt64)
  /// Serves queue `index` until it is empty or `budget` chains were served; true when more may wait.
  func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Bool
  /// The guest reset the device, or its front end left.
  func reset()
}

/// What a model is made from: its class's values and facts as texts, its host descriptors, its counters.
package struct DeviceSetup {
  package var values: [String: String]
  package var descriptors: [Descriptor]
  /// One 64-bit word per counter of the class, in the class's order.
  package var counters: SharedWindow

  package init(values: [String: String], descriptors: [Descriptor], counters: SharedWindow) {
    self.values = values
    self.descriptors = descriptors
    self.counters = counters
  }
}
