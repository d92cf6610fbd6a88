import EngineLink
import LinuxSystem
import VbusClient

extension EngineLab {
  /// Opens the container's socket to those whom `offer` lets in; answers its path.
  @discardableResult
  func openBus(_ offer: ContainerOffer? = nil) throws -> String {
    let path = keeper.folder + "/bus"
    let listener = try listen(
      at: path, permissions: 0o666, uid: effectiveUser(), gid: effectiveGroup(), kind: .packets)
    let own = ContainerOffer(uid: effectiveUser(), gid: effectiveGroup(), permissions: 0o700)
    _ = try control.awaitEngine()
    control.accept(offer ?? own, listener)
    return path
  }

  /// A client of the container, whose socket is open.
  func client(
    _ options: SocketConnector.Options = SocketConnector.Options()
  ) throws -> BusClient {
    try BusClient(connectingTo: keeper.folder + "/bus", options: options)
  }

  /// A source of random bytes on the bus; its id there.
  func rng(_ id: UInt64 = 900) throws -> UInt32 {
    let path = keeper.folder + "/rng\(id)"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    let record = try DeviceRecord.make(queueCount: 1)
    let offer = DeviceOffer(
      id: id, className: "rng", values: [:], offered: .max, devID: UInt32(id),
      interfaceType: "virtio-rng", virtioID: 4)
    guard case .started = try control.serve(offer, [listener, record.file]) else {
      throw Errno.invalid
    }
    return offer.devID
  }
}
