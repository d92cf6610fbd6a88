internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import Vbus
internal import VbusLink
internal import Virtio

/// A device that a native client has open: what they agreed on, and what they share.
///
/// - `OpenedDevice+Calls` carries out its functions;
/// - `OpenedDevice+Sharing` takes its rings and other memory;
/// - `OpenedDevice+Record` writes it down, and takes it up in a new engine.
final class OpenedDevice {
  /// Ends before the client does.
  unowned let client: BusClient
  let device: LiveDevice
  let handle: DeviceHandle
  /// The container's number of the device.
  let id: UInt32

  /// The features that the driver took; nil before.
  var acked: UInt64?
  var status: DeviceStatus = []
  /// What the driver wrote into the configuration space, by offset: a model made anew gets it again.
  /// Bounded by the space.
  var configuration: [Int: [UInt8]] = [:]
  /// The configuration space as the driver was last told of it.
  var shownConfiguration: [UInt8]
  /// Rings by queue.
  var rings: [Int: SharedRing] = [:]
  /// Memory that is no ring, by id.
  var bytes: [UInt32: (address: UInt64, byteCount: UInt32)] = [:]
  var configurationSignal: ConfigurationSignal?
  /// Queues whose rings shall run.
  var isStarted = false
  /// Nobody shall have the device any longer: calls answer ENODEV.
  private(set) var isRevoked = false

  /// How the driver hears that the configuration space changed.
  struct ConfigurationSignal {
    let signal: WindowSignal
    let ring: () -> Void
  }

  init(_ device: LiveDevice, _ open: OpenDevice, of client: BusClient) {
    self.device = device
    self.client = client
    handle = open.handle
    id = open.id
    shownConfiguration = device.model.configuration
  }

  /// The driver reset the device, or its client lets it go: nothing is agreed on. Rings stay shared.
  func reset() {
    stopRings()
    for index in rings.keys { device.queues[index].record.availableIndex = 0 }
    acked = nil
    status = []
    configuration = [:]
    device.record.fault = nil
    device.model.reset()
    device.updateStates()
  }

  /// DEVCLOSE: finishes what is posted, then lets go of the device.
  func close() {
    guard !isRevoked else { return }
    let end = monotonicNanoseconds() + LiveQueue.drainNanoseconds
    for queue in device.queues where queue.isRunning { queue.serveAll(until: end) }
    release()
  }

  /// Lets go of the device as it is.
  func release() {
    guard !isRevoked else { return }
    reset()
    for queue in device.queues { queue.forget() }
    rings = [:]
    bytes = [:]
    configurationSignal = nil
    device.closed()
  }

  /// The device ends under its client, who keeps the handle and can only close it.
  func revoke() {
    release()
    isRevoked = true
  }

  // MARK: Rings

  /// Starts what is shared; a ring that is broken stands still and says so.
  func startRings(isResumed: Bool = false) {
    isStarted = true
    for index in rings.keys.sorted() { startRing(index, isResumed: isResumed) }
    device.updateStates()
  }

  func startRing(_ index: Int, isResumed: Bool = false) {
    guard isStarted, let ring = rings[index] else { return }
    let queue = device.queues[index]
    guard !queue.isFaulted, !queue.hasRing else { return }
    // One that a predecessor had stopped, as it was about to write down, is served no more.
    guard !isResumed || queue.isRunning else { return }
    do throws(RingFault) {
      try queue.start(
        ring, in: client.memory, FeatureBits(rawValue: acked ?? 0), isResumed: isResumed,
        tellDriver: client.bell(of: ring.signal))
    } catch { device.fail(queue, error.sentence) }
  }

  func stopRings() {
    isStarted = false
    for index in rings.keys.sorted() {
      let queue = device.queues[index]
      if queue.isFaulted { queue.halt(.stopped) } else if queue.hasRing { _ = queue.windDown() }
    }
  }
}
