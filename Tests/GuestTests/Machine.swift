import Testing

/// A kind of guest: each is a script in Tests/Guests.
enum Machine: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case userModeLinux = "uml"
  case qemu

  var testDescription: String { self == .qemu ? "QEMU" : "User-Mode Linux" }
}
