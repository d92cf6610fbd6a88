internal import Tables

/// The files of a directory of a device by name.
///
/// The names are those of our own tables, so that nobody can choose them to meet in one hash.
struct NameTable {
  private let files = NumberTable<File>()

  private struct File {
    let name: [UInt8]
    let node: DeviceNode
  }

  /// Adds a file. A precondition: no other has its name.
  func insert(_ node: DeviceNode, named name: String) {
    let bytes = Array(name.utf8)
    precondition(files.place(of: Self.hash(bytes)) == nil)
    files[Self.hash(bytes)] = File(name: bytes, node: node)
  }

  subscript(name: [UInt8]) -> DeviceNode? {
    guard let place = files.place(of: Self.hash(name)), files[at: place].name == name else {
      return nil
    }
    return files[at: place].node
  }

  /// FNV-1a.
  private static func hash(_ name: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }
}
