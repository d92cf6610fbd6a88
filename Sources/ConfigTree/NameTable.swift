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
    precondition(files.place(of: Self.hash(bytes.span)) == nil)
    files[Self.hash(bytes.span)] = File(name: bytes, node: node)
  }

  subscript(name: Span<UInt8>) -> DeviceNode? {
    guard let place = files.place(of: Self.hash(name)), name == files[at: place].name else {
      return nil
    }
    return files[at: place].node
  }

  /// FNV-1a.
  private static func hash(_ name: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in name.indices { hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01b3 }
    return hash
  }
}

extension Span<UInt8> {
  static func == (name: Span<UInt8>, other: [UInt8]) -> Bool {
    guard name.count == other.count else { return false }
    for index in name.indices where name[index] != other[index] { return false }
    return true
  }
}

extension [UInt8] {
  init(_ name: Span<UInt8>) {
    self = []
    reserveCapacity(name.count)
    for index in name.indices { append(name[index]) }
  }
}
