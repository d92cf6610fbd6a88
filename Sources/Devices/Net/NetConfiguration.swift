/// The configuration space of a card, struct virtio_net_config (VIRTIO 1.2 section 5.1.4), with
/// the fields behind `duplex` zero: their features are not offered.
struct NetConfiguration {
  static let byteCount = 24

  let address: UInt64
  let mtu: UInt16
  /// Mb/s; 0: not told.
  let speed: UInt32

  /// VIRTIO_NET_S_LINK_UP and VIRTIO_NET_S_ANNOUNCE.
  private static let isUp: UInt8 = 1
  private static let announces: UInt8 = 2

  func bytes(isUp: Bool, announces: Bool) -> [UInt8] {
    var space = [UInt8](repeating: 0, count: Self.byteCount)
    for index in 0..<6 { space[index] = UInt8(truncatingIfNeeded: address >> (40 - 8 * index)) }
    space[6] = (isUp ? Self.isUp : 0) | (announces ? Self.announces : 0)
    space[8] = 1
    space[10] = UInt8(truncatingIfNeeded: mtu)
    space[11] = UInt8(mtu >> 8)
    // 5.1.4: 0xffffffff and 0xff are unknown, 1 is full duplex.
    let told = speed == 0 ? UInt32.max : speed
    for index in 0..<4 { space[12 + index] = UInt8(truncatingIfNeeded: told >> (8 * index)) }
    space[16] = speed == 0 ? 0xff : 1
    return space
  }
}
