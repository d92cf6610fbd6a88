internal import LinuxSystem

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
    space.replaceSubrange(10..<12, with: littleEndian(mtu, byteCount: 2))
    // 5.1.4: 0xffffffff and 0xff are unknown, 1 is full duplex.
    let told = speed == 0 ? UInt32.max : speed
    space.replaceSubrange(12..<16, with: littleEndian(told, byteCount: 4))
    space[16] = speed == 0 ? 0xff : 1
    return space
  }
}
