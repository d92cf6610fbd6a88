import LinuxSystem
import TestSupport
import Testing

/// A mounted tree with a folder for images, of one test alone.
final class Lab {
  /// A network namespace of the tree's processes alone, for taps and bridges; `nil` for the host's.
  let namespace: String?
  /// Holds the images, the runtime directory `run` and the mount point `tree`.
  let folder: String
  var tree: String { folder + "/tree" }
  var runtime: String { folder + "/run" }

  init(withNetwork: Bool = false) throws {
    folder = try shell("mktemp -d /tmp/vbusfs.XXXXXX").lines.first ?? ""
    namespace = withNetwork ? String(folder.dropFirst("/tmp/".count)) : nil
    if let namespace {
      let outcome = try shell(
        "ip netns add \(namespace) && nsenter --net=/run/netns/\(namespace) ip link set lo up")
      guard outcome.succeeded else { throw Overdue(description: "netns: \(outcome.text)") }
    }
    try mount()
  }

  /// Mounts, or mounts again.
  func mount(_ options: String = "") throws {
    let outcome = try shell("\(inNetwork) vbusfs mount --runtime \(runtime) \(options) \(tree)")
    guard outcome.succeeded else { throw Overdue(description: "mount: \(outcome.text)") }
  }

  /// Unmounts and removes the folder. What cannot be unmounted is an issue of the test, and is
  /// detached and killed, so that it disturbs no other.
  func end() {
    if let outcome = try? shell("vbusfs umount \(tree)"), !outcome.succeeded {
      Issue.record("umount: \(outcome.text)")
      _ = try? shell(
        "vbusfs umount --lazy \(tree); sleep 1; kill -KILL $(cat \(runtime)/keeper.pid)")
    }
    if let namespace { _ = try? shell("ip netns delete \(namespace)") }
    _ = try? shell("rm -rf --one-file-system \(folder)")
  }

  /// What a command starts with that runs in the lab's network; its file systems are the host's.
  private var inNetwork: String { namespace.map { "nsenter --net=/run/netns/\($0)" } ?? "" }

  /// Runs a bash script at the tree's root; `$LAB` is the folder.
  func run(_ script: String, seconds: Int = 60) throws -> Outcome {
    try shell(entering, in: tree, environment: environment(of: script), seconds: seconds)
  }

  /// Runs `$SCRIPT` in the lab's network.
  var entering: String { #"exec \#(inNetwork) bash -c "$SCRIPT""# }

  func environment(of script: String) -> [String] { ["LAB=\(folder)", "SCRIPT=\(script)"] }

  /// The text of a file of the tree, without its newline.
  func text(_ path: String) throws -> String {
    let bytes = try readFile("\(tree)/\(path)")
    return String(
      decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
  }

  /// The number in a file of the tree, decimal or with 0x.
  func number(_ path: String) throws -> UInt64 {
    let text = try text(path)
    let number = text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    return try #require(number, "\(path) is \(text)")
  }

  func set(_ path: String, _ value: String) throws {
    let file = try open("\(tree)/\(path)", .writeOnly)
    try write(Array("\(value)\n".utf8), to: file)
  }

  func awaitText(_ path: String, _ value: String) throws {
    _ = try awaitAnswer("\(path) to be \(value)") { try text(path) == value ? true : nil }
  }
}
