import EngineLink
import LinuxSystem

extension EngineLab {
  /// A network card on the bus.
  struct NativeCard {
    var offer: DeviceOffer
    let descriptors: [Descriptor]
    let record: DeviceRecord

    var id: UInt32 { offer.devID }
  }

  /// Serves a card whose frames come back to it.
  func nativeCard(
    _ id: UInt64 = 950, _ values: [String: String] = [:], offered: UInt64 = .max
  ) throws -> NativeCard {
    let listener = try listen(
      at: keeper.folder + "/card\(id)", permissions: 0o600, uid: effectiveUser(),
      gid: effectiveGroup())
    let record = try DeviceRecord.make(queueCount: 4)
    var all = ["mac": "02:00:00:00:00:01", "backend": "loopback"]
    all.merge(values) { $1 }
    let offer = DeviceOffer(
      id: id, className: "net", values: all, offered: offered, devID: UInt32(id),
      interfaceType: "virtual-ethernet", virtioID: 1)
    let card = NativeCard(offer: offer, descriptors: [listener, record.file], record: record)
    try serve(card)
    return card
  }

  /// Has a card served, or told of its new values.
  func serve(_ card: NativeCard) throws {
    guard case .started = try control.serve(card.offer, card.descriptors) else {
      throw Errno.invalid
    }
  }
}
