public import LinuxSystem
public import VbusLink

/// The way from a client to its bus: the verbs of the bus, memory that both ends see, and events.
///
/// It knows nothing of devices. All else of this module stands on it, so devices and rings work the
/// same whichever way leads to them. Whoever makes another one writes these twelve members.
///
/// - One thread uses it at a time. Any other may wait for `descriptor` and for bells.
/// - A request is done when its method returns. `.refused` means that nothing has changed, and that
///   the connector goes on; every other error ends it, and all that follows throws `.disconnected`.
/// - Nothing waits for ever: a host that does not answer in time is `.timedOut`.
/// - Ending it closes every device at the host and gives back what was shared.
/// - An engine that is replaced while it is in use shows in nothing but time, and in signals that
///   are raised once without need.
public protocol Connector: AnyObject {
  var capabilities: ConnectorCapabilities { get }

  /// Makes memory that devices can reach, of zero bytes, at an address of the connector's choice.
  /// No address is given twice.
  func makeMemory(byteCount: Int) throws(BusError) -> BusMemory

  /// Takes memory away from the host; EBUSY while any of it is shared. The mapping stays as long as
  /// somebody holds it.
  func dropMemory(_ memory: BusMemory) throws(BusError)

  /// Opens a device. ENOENT for an id that is not there, EINVAL for another version of its calls,
  /// EBUSY while anybody has it open.
  func open(_ id: UInt32, version: UInt32) throws(BusError) -> DeviceHandle

  /// Closes a device, and with it all that is shared with it. The last event of each of its signals
  /// follows.
  func close(_ handle: DeviceHandle) throws(BusError)

  /// Has the device carry out a function on `data`, which holds its answer afterwards. Answers the
  /// device's number. `data` stays as it is when the function is refused.
  func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64

  /// Shares memory with the device. Answers its signal, nil when the wish has none.
  ///
  /// A connector that does not really share memory looks into it: it knows a ring by its magic
  /// number, moves what the ring names when the signal is rung, and so needs to know which way an
  /// ioq goes.
  func share(_ handle: DeviceHandle, _ wish: ShareWish) throws(BusError) -> SharedSignal?

  /// Rings a signal that has no bells of its own: the host looks at its memory.
  func ring(_ signal: SignalHandle) throws(BusError)

  /// Of how many devices the coming or going is not among the events yet. With 0, the events that
  /// are there tell of everything that was on the bus when this was asked.
  func untoldCount() throws(BusError) -> Int

  /// The next event; nil when none came in time. Less than 0 milliseconds wait for ever.
  ///
  /// Devices come and go in turns: one that is added was not there, one that is dropped was. A
  /// signal that is raised again before it was taken is told once.
  func nextEvent(milliseconds: Int32) throws(BusError) -> Event?

  /// Readable while `nextEvent` has something to take or to say. It may be readable without need.
  var descriptor: Descriptor { get }

  /// Ends it, at once and for good.
  func disconnect()
}
