package import LinuxSystem
package import SharedMemory
package import Vbus
package import Virtio

/// What a device class does with its queues: the data half of a class. One instance serves one
/// live device.
package protocol DeviceModel: AnyObject {
  /// The virtio feature bits this instance can serve, ring bits included.
  var features: UInt64 { get }
  /// How many rings the device has, a control queue included.
  var queueCount: Int { get }
  /// What GET_QUEUE_NUM answers: for a network card the pairs of queues, else `queueCount`.
  var queueNumber: Int { get }
  /// The device configuration space as the guest reads it (VIRTIO 1.2 section 2.5).
  var configuration: [UInt8] { get }
  /// Takes a guest's write to the configuration space; false when those bytes are read-only.
  func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool
  /// What driver and device agreed on; before any queue starts.
  func negotiated(_ features: UInt64)
  /// What they had agreed on with a predecessor, whose guest goes on: nothing of it is new.
  func resumed(_ features: UInt64)
  /// Serves queue `index` until it has nothing more to do there or `budget` chains were served.
  func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress
  /// As above, for a ring of a native client in the other format. Only where `flow` answers a way.
  func serve(
    queue index: Int, _ ring: inout IoqRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress
  /// Which way the data of queue `index` goes, if all of it goes one way: then an ioq can carry it.
  func flow(ofQueue index: Int) -> Flow?
  /// The guest reset the device, or its front end left.
  func reset()

  // MARK: An interface of its own

  /// How many queues native clients see: those behind `queueCount` are of the class's own interface.
  var nativeQueueCount: Int { get }
  /// What a native client shares by this id (`DEVSHM`); nil for what the class does not know.
  func purpose(ofShare id: UInt32) -> SharePurpose?
  /// Carries out a function of the class's own interface on `data`, which stays as long as it is;
  /// answers a number. ENOTTY for a function that it has not.
  func call(_ function: UInt32, _ data: inout [UInt8]) throws(Errno) -> UInt64
  /// What a client has set up by the own interface, as lines `word number…`: empty while it uses
  /// virtio's functions, or none. A device that was opened anew has none.
  var interfaceLines: [String] { get }
  /// Goes on as a predecessor's `interfaceLines` say; false when they make no sense. After `begin`;
  /// the rings that ran are started again by the host, not by the model.
  func restoreInterface(_ lines: [String]) -> Bool

  /// The device is live: from here on it may wait for its host side. `host` outlives the model.
  func begin(on host: any DeviceHost)
  /// Attributes changed while the device is live, and what they opened. After a refusal the old
  /// values are in force.
  func update(_ values: [String: String], _ descriptors: [Descriptor]) throws(ModelRefusal)
  /// The device is no longer live: nothing of its host side is watched any more.
  func end()
}

/// What a memory that a native client shares with a device is for.
package enum SharePurpose: Hashable, Sendable {
  /// The ring of a queue.
  case queue(Int)
  /// Bytes that descriptors of a ring point to; the device finds them by `DeviceHost.sharedBytes`.
  case bytes
}

/// How far serving a queue came.
package enum Progress: Equatable, Sendable {
  /// The driver offers nothing more: its next kick is awaited.
  case drained
  /// More is on offer, and may be served at once.
  case more
  /// More is on offer, and others get their turn first.
  case yielding
  /// There is nothing to put into what the driver offers. The model wakes the queue when there is;
  /// the driver need not kick.
  case idle
}

/// What a live device gives its model.
package protocol DeviceHost: AnyObject {
  /// Turns the engine's one thread.
  var loop: EventLoop { get }
  /// Serves the queue in the loop's next turn, if it runs. Takes no memory.
  func wake(queue index: Int)
  /// The guest shall read the configuration space again.
  func configurationChanged()
  /// One object for all devices of the container: what the first that asked has made.
  func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common
  /// The host side is gone; a person shall know why.
  func hostFailed(_ sentence: String)

  // MARK: For an interface of the class's own

  /// Whether a native client shares a ring for the queue.
  func hasRing(_ queue: Int) -> Bool
  /// How many entries the ring has that a native client shares for the queue; nil for none.
  func capacity(ofRing queue: Int) -> Int?
  /// Starts all rings that are shared; each is checked before.
  func startRings() throws(Errno)
  /// Stops all rings; they stay shared.
  func stopRings()
  /// Serves what the queue has on offer until nothing is left.
  func drain(queue index: Int)
  /// Gives all buffers that the driver offers back with nothing in them, without a notification.
  func flush(queue index: Int)
  /// Where a memory lies that is shared by this id and is no ring: its address and bytes.
  func sharedBytes(_ id: UInt32) -> (address: UInt64, byteCount: UInt32)?
}

/// A host whose devices no native client opens.
extension DeviceHost {
  package func hasRing(_ queue: Int) -> Bool { false }
  package func capacity(ofRing queue: Int) -> Int? { nil }
  package func startRings() throws(Errno) { throw .invalid }
  package func stopRings() {}
  package func drain(queue index: Int) {}
  package func flush(queue index: Int) {}
  package func sharedBytes(_ id: UInt32) -> (address: UInt64, byteCount: UInt32)? { nil }
}

/// What models do with the loop.
extension DeviceHost {
  /// Calls `handler` whenever the host side is ready for what is waited for, until `remove`.
  package func watch(
    _ descriptor: Descriptor, for readiness: Readiness, handler: @escaping (Readiness) -> Void
  ) throws(Errno) -> EventLoop.Token {
    try loop.watch(descriptor, for: readiness, handler: handler)
  }

  /// Waits for something else with a watch that there is.
  package func rewatch(_ token: EventLoop.Token, for readiness: Readiness) {
    // Both are ours: nothing of a peer's can make it fail.
    try? loop.rewatch(token, for: readiness)
  }

  /// Calls `handler` once, unless removed before.
  package func after(milliseconds: UInt64, handler: @escaping () -> Void) -> EventLoop.Token {
    loop.after(milliseconds: milliseconds, handler: handler)
  }

  /// Ends a watch, or a deadline.
  package func remove(_ token: EventLoop.Token) { loop.remove(token) }
}

/// Most classes have no interface of their own.
extension DeviceModel {
  package var nativeQueueCount: Int { queueCount }
  package func flow(ofQueue index: Int) -> Flow? { nil }
  package func serve(
    queue index: Int, _ ring: inout IoqRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress { .idle }
  package func purpose(ofShare id: UInt32) -> SharePurpose? {
    id < UInt32(queueCount) ? .queue(Int(id)) : nil
  }
  package func call(_ function: UInt32, _ data: inout [UInt8]) throws(Errno) -> UInt64 {
    throw .notTerminal
  }
  package var interfaceLines: [String] { [] }
  package func restoreInterface(_ lines: [String]) -> Bool { lines.isEmpty }
}

/// Most classes have no host side to wait for, and no attribute that changes while live.
extension DeviceModel {
  package var queueNumber: Int { queueCount }
  package func resumed(_ features: UInt64) { negotiated(features) }
  package func begin(on host: any DeviceHost) {}
  package func end() {}
  package func update(
    _ values: [String: String], _ descriptors: [Descriptor]
  ) throws(ModelRefusal) {
    throw ModelRefusal(.busy, "nothing of this device can change while it is live")
  }
}

/// What a model is made from: its class's values and facts as texts, its host descriptors, its
/// counters.
package struct DeviceSetup {
  package var values: [String: String]
  package var descriptors: [Descriptor]
  /// One 64-bit word per counter of the class, in the class's order.
  package var counters: SharedWindow
  /// The feature bits that the administrator lets a guest have, whatever the class can.
  package var offered: UInt64

  package init(
    values: [String: String], descriptors: [Descriptor], counters: SharedWindow,
    offered: UInt64 = .max
  ) {
    self.values = values
    self.descriptors = descriptors
    self.counters = counters
    self.offered = offered
  }
}
