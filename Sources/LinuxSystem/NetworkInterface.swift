/// What the kernel says of a network interface of this process's namespace.
package struct NetworkInterface: Equatable, Sendable {
  /// The kernel's number of it, never 0.
  package var index: UInt32
  /// The index of the bridge it is in; 0 when in none.
  package var master: UInt32
  /// In bytes, without the Ethernet header.
  package var mtu: UInt32
  /// Whether it was brought up; its carrier is another matter.
  package var isUp: Bool
  /// The six bytes of its hardware address.
  package var address: [UInt8]
}
