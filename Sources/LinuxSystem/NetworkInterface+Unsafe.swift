internal import CLinux

extension NetworkInterface {
  /// `noDevice` when there is none of the name. Needs no right.
  package init(named name: String) throws(Errno) {
    var facts = linux_interface()
    // SAFETY: the string and the local live for the call.
    _ = try checked(unsafe linux_interface_facts(name, &facts))
    let address = facts.address
    self.init(
      index: facts.index, master: facts.master, mtu: facts.mtu, isUp: facts.is_up != 0,
      address: [address.0, address.1, address.2, address.3, address.4, address.5])
  }

  /// Sets the MTU, in bytes. `notPermitted` without CAP_NET_ADMIN, as with all that follow.
  package static func setMTU(of name: String, to mtu: UInt32) throws(Errno) {
    // SAFETY: the string lives for the call.
    _ = try checked(unsafe linux_interface_set_mtu(name, mtu))
  }

  /// Sets the hardware address. Precondition: six bytes.
  package static func setAddress(of name: String, to address: [UInt8]) throws(Errno) {
    precondition(address.count == 6)
    // SAFETY: the string and the six bytes live for the call.
    let answer = unsafe address.withUnsafeBufferPointer { buffer in
      unsafe linux_interface_set_address(name, buffer.baseAddress)
    }
    _ = try checked(answer)
  }

  /// Lets the interface send and receive.
  package static func bringUp(_ name: String) throws(Errno) {
    // SAFETY: the string lives for the call.
    _ = try checked(unsafe linux_interface_bring_up(name))
  }

  /// Puts the interface with this index into a bridge.
  package static func add(_ index: UInt32, toBridge bridge: String) throws(Errno) {
    // SAFETY: the string lives for the call.
    _ = try checked(unsafe linux_bridge_add(bridge, index))
  }
}
