internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import Tables
internal import VbusLink

/// The bus of the engine's container: which devices are live, and who is attached.
///
/// - `ContainerBus+Sockets` lets clients in by the container's socket, and takes up a predecessor's.
package final class ContainerBus {
  let loop: EventLoop
  let keeper: KeeperClient
  /// The devices by their ids, and which of them are open.
  var table = Bus()
  /// Live devices by id.
  private let devices = NumberTable<LiveDevice>()
  private(set) var clients: [BusClient] = []
  var connections: [ClientConnection] = []
  /// Who may attach; nobody before control has said.
  var offer: ContainerOffer?
  var listener: Descriptor?
  var listenerToken: EventLoop.Token?
  /// A predecessor's clients are here, or are gone.
  var isTakenUp = false
  var isRetired = false
  private var isTelling = false

  /// Called soon after clients came or went, or opened or closed a device.
  var onMembers: () -> Void = {}

  init(on loop: EventLoop, keeper: KeeperClient) {
    self.loop = loop
    self.keeper = keeper
  }

  // MARK: Devices

  /// A device became live. One that the bus has no room for is reached by vhost-user alone.
  func add(_ device: LiveDevice) {
    let id = device.offer.devID
    guard table.add(Bus.Device(type: device.offer.interfaceType, version: 1), as: id) else {
      return
    }
    devices[UInt64(id)] = device
    for client in clients { client.session.deviceAdded(id) }
    announce()
  }

  /// A device is live no more; who has it open keeps it.
  func drop(_ device: LiveDevice) {
    let id = device.offer.devID
    guard devices[UInt64(id)] === device else { return }
    _ = devices.remove(UInt64(id))
    table.drop(id)
    for client in clients { client.session.deviceDropped(id) }
    announce()
  }

  private func announce() { for client in clients { eventsWait(for: client) } }

  /// DEVOPEN: EBUSY when a vhost-user front end has the device.
  func open(_ open: OpenDevice, for client: BusClient) throws(Errno) -> OpenedDevice {
    guard let device = devices[UInt64(open.id)] else { throw .noEntry }
    return try device.open(open, for: client)
  }

  // MARK: Clients

  /// A client by a connector that needs no socket: in this very process.
  package func attach(vault: any ClientVault) -> BusClient? {
    guard clients.count < Self.clientsMax else { return nil }
    let client = BusClient(of: self, vault: vault)
    admit(client)
    return client
  }

  func admit(_ client: BusClient) {
    clients.append(client)
    membersChanged()
  }

  func forget(_ client: BusClient) {
    clients.removeAll { $0 === client }
    membersChanged()
  }

  /// Each costs descriptors of the keeper's; a container has few programs.
  static let clientsMax = 256

  /// Tells a client in the loop's next turn.
  func eventsWait(for client: BusClient) {
    _ = loop.after(milliseconds: 0) { [weak client] in client?.eventsWait() }
  }

  private static let membersMilliseconds: UInt64 = 10

  /// Tells control soon, and not more often, however much changes.
  func membersChanged() {
    guard !isTelling else { return }
    isTelling = true
    _ = loop.after(milliseconds: Self.membersMilliseconds) { [weak self] in
      self?.isTelling = false
      self?.onMembers()
    }
  }

  /// Those who came by the socket; for control.
  var members: [Member] { connections.compactMap(\.member) }
}
