/// Who may attach to a container besides those whom its directory's mode lets write: users and
/// groups by number.
package struct Allowance: Hashable, Sendable {
  /// Ascending, each once.
  package let users: [UInt32]
  package let groups: [UInt32]

  /// They travel to the engine in one message, and are looked through for each client.
  package static let countMax = 32

  /// Nobody.
  package init() {
    users = []
    groups = []
  }

  /// Takes user ids and, with an `@`, group ids, with spaces between them; `nil` for anything else
  /// and for more than `countMax` of either.
  package init?(_ text: String) {
    var users: Set<UInt32> = []
    var groups: Set<UInt32> = []
    for word in text.utf8.split(separator: UInt8(ascii: " ")) {
      let isGroup = word.first == UInt8(ascii: "@")
      guard let number = Self.number(isGroup ? word.dropFirst() : word) else { return nil }
      if isGroup { groups.insert(number) } else { users.insert(number) }
    }
    guard users.count <= Self.countMax, groups.count <= Self.countMax else { return nil }
    self.users = users.sorted()
    self.groups = groups.sorted()
  }

  /// The one form in which it is kept and shown: `1000 1001 @27`.
  package var text: String {
    (users.map { String($0) } + groups.map { "@\($0)" }).joined(separator: " ")
  }

  package var isEmpty: Bool { users.isEmpty && groups.isEmpty }

  package static let accepted =
    "user ids and, after an @, group ids with spaces between them, at most \(countMax) of each; "
    + "or nothing"

  /// Digits alone. The largest number means nobody (chown(2)).
  private static func number(_ digits: Substring.UTF8View) -> UInt32? {
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt32(Substring(digits)).flatMap { $0 == .max ? nil : $0 }
  }
}
