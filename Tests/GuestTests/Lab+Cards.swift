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

  /// Makes a card, with attributes set before it is enabled.
  func addCard(
    _ name: String = "nic0", in container: String = "lab0",
    with attributes: [String: String]
  ) throws -> Card {
    Card(name: name, socket: try addDevice("net", name, in: container, with: attributes))
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
