import LinuxSystem
import TestSupport

extension Lab {
  /// A network card, plugged into a container and listening.
  struct Card {
    let name: String
    /// As a guest's script takes it.
    var device: String { "net=\(socket)" }
    let socket: String
  }

  /// Makes a card, with attributes set in this order before it is enabled.
  func addCard(
    _ name: String = "nic0", in container: String = "lab0",
    with attributes: KeyValuePairs<String, String>
  ) throws -> Card {
    Card(name: name, socket: try addDevice("net", name, in: container, with: attributes))
  }

  /// Makes a device of a class, plugged into a container and listening; answers its socket.
  func addDevice(
    _ type: String, _ name: String, in container: String = "lab0",
    with attributes: KeyValuePairs<String, String>
  ) throws -> String {
    try makeDirectory("\(tree)/devices/\(name)", permissions: 0o755)
    try set("devices/\(name)/type", type)
    for (attribute, value) in attributes { try set("devices/\(name)/\(attribute)", value) }
    try set("devices/\(name)/enabled", "1")
    _ = try run(
      "mkdir -p containers/\(container); ln -s ../../../devices/\(name) containers/\(container)/devices/"
    )
    try awaitText("devices/\(name)/status", "listening")
    return "\(tree)/devices/\(name)/socket"
  }

  /// A card on a tap of the lab's network, where the host has the address 10.9.0.1.
  func addTapCard(masking masked: [String] = []) throws -> Card {
    let card = try addCard(with: ["backend": "tap", "ifname": "lab%d", "host_up": "1"])
    for bit in masked { try set("devices/\(card.name)/features/bits/\(bit)", "0") }
    let outcome = try run("ip addr add 10.9.0.1/24 dev $(cat devices/\(card.name)/ifname)")
    guard outcome.succeeded else { throw Overdue(description: outcome.text) }
    return card
  }
}
