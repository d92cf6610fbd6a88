internal import EngineLink
package import Keeper
package import LinuxSystem

/// Makes the model of a class: `class name, setup`. The catalogue of device classes is above this
/// floor, so it is handed in.
package typealias ModelMaker = (String, DeviceSetup) throws(ModelRefusal) -> any DeviceModel

/// Why a model cannot be made: an errno and a sentence.
package struct ModelRefusal: Error, Equatable, Sendable {
  package let errno: Errno
  package let reason: String

  package init(_ errno: Errno, _ reason: String) {
    self.errno = errno
    self.reason = reason
  }
}

/// The engine of one container: serves its live devices until its keeper or its container ends.
///
/// One thread, one loop: messages of front ends, kicks, and control's wishes. What it may not lose
/// lies with the keeper and in the devices' records, so it can be killed at any moment and its
/// successor goes on.
package final class Engine {
  private let loop: EventLoop
  private let keeper: KeeperClient
  private let makeModel: ModelMaker
  private var devices: [UInt64: LiveDevice] = [:]
  /// Unplugged devices that a native client has not closed yet.
  private var lingering: [UInt64: LiveDevice] = [:]
  /// The container as native clients see it.
  package let bus: ContainerBus
  private let commons = Commons()
  private var link: Link?
  private var epoch: UInt64 = 0
  /// What control has named since `hello`.
  private var named: Set<UInt64> = []
  /// Devices with news that control was not told yet.
  private var changed: Set<UInt64> = []
  private var hasSwept = false
  private var owesMembers = false

  package init(
    on loop: EventLoop, keeper: KeeperClient, makeModel: @escaping ModelMaker
  ) throws(Errno) {
    self.loop = loop
    self.keeper = keeper
    self.makeModel = makeModel
    bus = ContainerBus(on: loop, keeper: keeper)
    guard let channel = try keeper.take(Self.linkName).first?.descriptor else { throw .noEntry }
    link = try Link(
      Channel(channel), on: loop, onPacket: { [unowned self] in self.hear($0) },
      onEnd: { [unowned self] in self.loop.end() })
    link?.onRoom = { [unowned self] in self.tellChanges() }
    bus.onMembers = { [unowned self] in self.tellMembers() }
    // The keeper says nothing unasked here: its channel becomes readable when it is gone.
    _ = try loop.watch(keeper.channel.descriptor) { [unowned self] _ in self.loop.end() }
  }

  /// What the keeper calls the channel to control.
  package static let linkName = "link"

  private func hear(_ packet: Packet) {
    guard let message = ControlMessage(packet.bytes) else { return }
    switch message {
    case .hello(let epoch):
      self.epoch = epoch
      named = []
    case .device(let offer):
      named.insert(offer.id)
      serve(offer, packet.descriptors)
    case .complete(let epoch):
      // What a predecessor left unread ends with a `complete` whose devices it has read alone.
      guard epoch == self.epoch else { return }
      for id in devices.keys where !named.contains(id) { stop(id) }
      sweep()
      tell(.lingering(lingering.keys.sorted()))
      tell(.settled(epoch: epoch))
      tell(.members(bus.members))
    case .stop(let id):
      named.remove(id)
      stop(id)
      tell(.stopped(id: id, epoch: epoch))
    case .container(let offer): bus.follow(offer, packet.descriptors.first)
    case .revoke(let id): revoke(id)
    case .retire(let epoch):
      guard epoch == self.epoch, devices.isEmpty, lingering.isEmpty, bus.retire() else { return }
      tell(.retired(epoch: epoch))
    }
  }

  private func serve(_ offer: DeviceOffer, _ descriptors: [Descriptor]) {
    do throws(ModelRefusal) {
      if let device = devices[offer.id], device.isMeant(by: offer, descriptors) {
        if device.offer != offer { try device.update(offer, descriptors) }
      } else {
        end(offer.id)
        try begin(offer, descriptors)
      }
      tell(.started(id: offer.id, epoch: epoch))
    } catch {
      tell(
        .refused(
          id: offer.id, epoch: epoch, errno: error.errno.rawValue, reason: error.reason))
    }
  }

  private func begin(
    _ offer: DeviceOffer, _ descriptors: [Descriptor]
  ) throws(ModelRefusal) {
    let device = try LiveDevice(
      offer, descriptors, on: loop, keeper: keeper, commons: commons, makeModel: makeModel)
    device.onChange = { [unowned self] in self.noteChange(of: offer.id) }
    device.isHeld = { [unowned self] in self.lingering[offer.id] != nil }
    devices[offer.id] = device
    // What a predecessor served was named before the sweep; a device that comes later is new.
    device.begin(mayHavePredecessor: !hasSwept)
    bus.add(device)
  }

  private func end(_ id: UInt64) {
    guard let device = devices.removeValue(forKey: id) else { return }
    bus.drop(device)
    device.end()
  }

  private func stop(_ id: UInt64) {
    if let device = devices[id] {
      guard device.opening != nil else { return end(id) }
      return linger(device)
    }
    // A predecessor may have served it.
    LiveDevice.release((try? keeper.take("\(id)")) ?? [], of: keeper)
  }

  /// A native client keeps what it has open until it closes it.
  private func linger(_ device: LiveDevice) {
    let id = device.offer.id
    devices[id] = nil
    // One that was unplugged twice while it was open is over.
    revoke(id)
    lingering[id] = device
    bus.drop(device)
    device.unplug()
    device.onChange = {}
    device.onClose = { [unowned self, unowned device] in
      guard self.lingering[id] === device else { return }
      self.lingering[id] = nil
      device.end()
    }
  }

  private func revoke(_ id: UInt64) {
    guard let device = lingering.removeValue(forKey: id) else { return }
    device.onClose = {}
    device.end()
  }

  /// Lets go of what a predecessor had of devices that were stopped when nobody served them.
  private func sweep() {
    guard !hasSwept, let items = try? keeper.take("") else { return }
    hasSwept = true
    bus.takeUp()
    for device in devices.values { device.forgetLostClient() }
    let over = items.filter { item in
      UInt64(item.name.prefix { $0 != "/" }).map { !named.contains($0) } ?? false
    }
    LiveDevice.release(over, of: keeper)
  }

  // MARK: What control is told

  /// However often a guest makes its device change, control hears of it once a turn, and what it
  /// has not read yet does not pile up.
  private func noteChange(of id: UInt64) {
    guard changed.insert(id).inserted, changed.count == 1 else { return }
    _ = loop.after(milliseconds: 0) { [unowned self] in self.tellChanges() }
  }

  /// What control has not read yet does not pile up.
  private func tellMembers() {
    owesMembers = link?.isFull == true
    if !owesMembers { tell(.members(bus.members)) }
  }

  private func tellChanges() {
    guard link?.isFull == false else { return }
    if owesMembers { tellMembers() }
    for id in changed { tell(.changed(id: id)) }
    changed = []
  }

  private func tell(_ message: EngineMessage) { link?.send(Packet(message.bytes)) }
}
