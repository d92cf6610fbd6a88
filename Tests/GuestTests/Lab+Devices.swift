import LinuxSystem
import TestSupport

extension Lab {
  /// Makes a device of a class, with attributes set before it is enabled, plugged into a container
  /// and listening; answers its socket.
  func addDevice(
    _ type: String, _ name: String, in container: String = "lab0",
    with attributes: [String: String] = [:]
  ) throws -> String {
    try makeDirectory("\(tree)/devices/\(name)", permissions: 0o755)
    try set("devices/\(name)/type", type)
    for (attribute, value) in attributes { try set("devices/\(name)/\(attribute)", value) }
    try set("devices/\(name)/enabled", "1")
    try plug(name, into: container)
    return "\(tree)/devices/\(name)/socket"
  }

  /// Plugs a device in, and waits until it listens.
  func plug(_ name: String, into container: String = "lab0") throws {
    let outcome = try run(
      """
      mkdir -p containers/\(container)
      ln -s ../../../devices/\(name) containers/\(container)/devices/
      """)
    guard outcome.succeeded else { throw Overdue(description: outcome.text) }
    try awaitText("devices/\(name)/status", "listening")
  }
}
