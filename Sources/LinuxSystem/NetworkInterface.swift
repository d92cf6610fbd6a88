/// What the kernel says of a network interface of this process's namespace.
package struct NetworkInterface: Equatable, Sendable {
  package var index: UInt32
  /// The index of the bridge it is in; 0 when in none.
  package var master: UInt32
  package var mtu: UInt32
  package var isUp: Bool
  package var address: [UInt8]
}
