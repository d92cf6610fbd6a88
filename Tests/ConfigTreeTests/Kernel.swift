import ConfigTree
import FuseMount

/// What the kernel remembers of a tree: all that it may. It forgets what its own requests change,
/// and what the tree says was touched.
struct Kernel {
  private struct Place: Hashable {
    let directory: NodeID
    let name: [UInt8]
  }

  private var names: [Place: NodeID] = [:]
  private var attributes: [NodeID: NodeAttributes] = [:]

  /// Looks at everything but `classes`, which never changes, and remembers what it may.
  mutating func look(at tree: ConfigTree) throws {
    try walk(tree) { directory, entry, found in
      if found.lasting != .nothing {
        names[Place(directory: directory, name: entry.name)] = entry.node
      }
      if found.lasting == .nameAndAttributes { attributes[entry.node] = found }
    }
  }

  /// A request on a file, or on names of a directory, was answered with success.
  mutating func answered(at node: NodeID, _ changed: [[UInt8]] = [], _ tree: ConfigTree) {
    for name in changed {
      let moved = names.removeValue(forKey: Place(directory: node, name: name))
      if let moved { attributes[moved] = nil }
    }
    attributes[node] = nil
    tree.touched(at: node) { attributes[$0] = nil }
  }

  /// The paths' last names under which something else is remembered than there is.
  func stale(in tree: ConfigTree) throws -> [String] {
    var stale: [String] = []
    var seen: Set<Place> = []
    var directories: Set<NodeID> = [.root]
    try walk(tree) { directory, entry, found in
      let place = Place(directory: directory, name: entry.name)
      seen.insert(place)
      directories.insert(entry.node)
      let isRight =
        (names[place] ?? entry.node) == entry.node && (attributes[entry.node] ?? found) == found
      if !isRight { stale.append(String(decoding: entry.name, as: UTF8.self)) }
    }
    // Names in a directory that is gone are out of reach.
    return stale
      + names.keys.filter { directories.contains($0.directory) && !seen.contains($0) }
      .map { "no more: " + String(decoding: $0.name, as: UTF8.self) }
  }

  private func walk(
    _ tree: ConfigTree, from directory: NodeID = .root,
    _ visit: (NodeID, DirectoryEntry, NodeAttributes) -> Void
  ) throws {
    for entry in try tree.entries(of: directory) where entry.name != Array("classes".utf8) {
      visit(directory, entry, try tree.attributes(of: entry.node))
      if entry.kind == .directory { try walk(tree, from: entry.node, visit) }
    }
  }
}
