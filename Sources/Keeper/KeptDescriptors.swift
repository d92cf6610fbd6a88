internal import LinuxSystem

/// The descriptors that must outlive the processes that use them, by name: a tree of the names'
/// parts, so that what is asked of one device costs the same however many there are.
struct KeptDescriptors {
  struct Entry {
    let descriptor: Descriptor
    /// The number of the last message said through it.
    var lastSaid: UInt64 = 0
  }

  /// A part of names, with what is kept under the name that ends here.
  private final class Node {
    var entry: Entry?
    var children: [Substring: Node] = [:]

    var isEmpty: Bool { entry == nil && children.isEmpty }
  }

  private var root = Node()
  private var count = 0

  /// Bounds what the processes together can make the keeper hold.
  static let countMax = 131_072
  /// Bounds what one program can make it hold that is not control, so that it has no more than its
  /// share: two thousand devices at work, or a hundred clients with all that each may have.
  static let countMaxOfProgram = 8192
  /// Names of this project have six parts at most.
  static let partsMax = 16

  /// Answers what is kept now; `nil` when the name is none, or there is no room.
  @discardableResult
  mutating func put(_ descriptor: Descriptor, as name: String) -> Entry? {
    let parts = Self.parts(name)
    guard !parts.isEmpty, parts.count <= Self.partsMax else { return nil }
    let isNew = node(parts)?.entry == nil
    guard !isNew || count < Self.countMax else { return nil }
    var node = root
    for part in parts {
      if let next = node.children[part] {
        node = next
      } else {
        let next = Node()
        node.children[part] = next
        node = next
      }
    }
    let entry = Entry(descriptor: descriptor)
    node.entry = entry
    if isNew { count += 1 }
    return entry
  }

  /// How many are called `name` or below it. Costs a walk over them.
  func count(below name: String) -> Int { node(Self.parts(name)).map(Self.entryCount) ?? 0 }

  /// Everything called `name` or below it, in the order of names; with an empty name all.
  func below(_ name: String) -> [(name: String, entry: Entry)] {
    let parts = Self.parts(name)
    guard let start = node(parts) else { return [] }
    var found: [(name: String, entry: Entry)] = []
    Self.collect(start, parts.joined(separator: "/"), &found)
    return found.sorted { $0.name < $1.name }
  }

  mutating func drop(_ name: String) {
    let parts = Self.parts(name)
    var path = [root]
    for part in parts {
      guard let next = path[path.count - 1].children[part] else { return }
      path.append(next)
    }
    count -= Self.entryCount(path[path.count - 1])
    guard !parts.isEmpty else {
      root = Node()
      return
    }
    path[parts.count - 1].children[parts[parts.count - 1]] = nil
    // No part stays that leads nowhere.
    for depth in stride(from: parts.count - 1, to: 0, by: -1) where path[depth].isEmpty {
      path[depth - 1].children[parts[depth - 1]] = nil
    }
  }

  /// Sends bytes through a kept stream unless `number` was said before. A peer that does not take
  /// them is disconnected: it never reads its answers.
  mutating func say(_ bytes: [UInt8], number: UInt64, through name: String) {
    guard let node = node(Self.parts(name)), let entry = node.entry, number > entry.lastSaid
    else { return }
    node.entry?.lastSaid = number
    do {
      try sendBytes(bytes, through: entry.descriptor)
    } catch {
      disconnect(entry.descriptor)
    }
  }

  private func node(_ parts: [Substring]) -> Node? {
    var node = root
    for part in parts {
      guard let next = node.children[part] else { return nil }
      node = next
    }
    return node
  }

  /// No deeper than `partsMax`.
  private static func collect(
    _ node: Node, _ name: String, _ found: inout [(name: String, entry: Entry)]
  ) {
    if let entry = node.entry { found.append((name, entry)) }
    for (part, child) in node.children {
      collect(child, name.isEmpty ? String(part) : "\(name)/\(part)", &found)
    }
  }

  private static func entryCount(_ node: Node) -> Int {
    node.children.values.reduce(node.entry == nil ? 0 : 1) { $0 + entryCount($1) }
  }

  /// Empty parts count for nothing, so `a/` is `a`. By bytes, for a `/` may be a part of a larger
  /// character.
  private static func parts(_ name: String) -> [Substring] {
    name.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
  }
}
