internal import Model

/// What the text of a new link means. The kernel hands the text over as it was typed, which may
/// be relative to the link, to the mount's root, or absolute.
enum LinkTarget: Equatable {
  case device(Name)
  /// A link in a container, which leads to a device.
  case plug(link: Name, container: Name)
  /// Within the tree, but no device.
  case other
  case outside

  init(_ text: [UInt8], mountPoint: String) {
    let isAbsolute = text.first == UInt8(ascii: "/")
    var parts = Self.parts(text)
    let prefix = Self.parts(Array(mountPoint.utf8))
    let isWithin = !isAbsolute || parts.starts(with: prefix)
    if isAbsolute && isWithin {
      parts.removeFirst(prefix.count)
      // Nothing is before `devices` in this spelling, or it is a container's.
      guard parts.count == 2 || parts.count == 4 else {
        self = .other
        return
      }
    }
    let elsewhere: LinkTarget = isWithin ? .other : .outside
    let names = parts.suffix(4).map { try? Name($0) }
    guard parts.count >= 2, parts[parts.count - 2] == Array("devices".utf8),
      let last = names.last ?? nil
    else {
      self = elsewhere
      return
    }
    if parts.count >= 4, parts[parts.count - 4] == Array("containers".utf8),
      let container = names[1]
    {
      self = .plug(link: last, container: container)
    } else {
      self = .device(last)
    }
  }

  /// The names between slashes, without empty ones and `.`.
  private static func parts(_ text: [UInt8]) -> [[UInt8]] {
    text.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [UInt8(ascii: ".")] }
  }
}
