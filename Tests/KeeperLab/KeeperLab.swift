package import Keeper
package import LinuxSystem

/// A real keeper in a process of its own. Its programs are probes that lend their channels to the
/// test, which plays them.
package final class KeeperLab {
  package let pid: Int32
  /// Where the keeper says that service has begun.
  package private(set) var starter: Descriptor?
  /// What the keeper holds as `first` from the start, its other end here.
  package let first: Descriptor
  package let folder: String
  private let listener: Descriptor

  /// Where the programs of this build are.
  package static func programFolder() throws -> String {
    let path = try programPath()
    return String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex))
  }

  /// Starts a keeper; `environment` is added to its own and its programs'.
  package init(environment: [String] = []) throws {
    folder = "/tmp/vbusfs-lab-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o700)
    listener = try listen(
      at: folder + "/lab", permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    let (near, far) = try Channel.pair()
    let (held, other) = try makeStreamPair()
    starter = near.descriptor
    first = other
    pid = try spawn(
      Self.programFolder() + "/KeeperProbe", ["keeper", folder + "/lab"],
      environment: environmentTexts() + environment, descriptors: [far.descriptor, held])
  }

  deinit {
    try? send(signal: Signal.kill, to: pid)
    _ = try? awaitEnd(of: pid)
    for name in (try? names(in: folder)) ?? [] { try? unlink(folder + "/" + name) }
    try? removeDirectory(folder)
  }

  /// The next program that the keeper has started: the control program first.
  package func program() throws -> sending PlayedProgram {
    guard wait(on: listener, milliseconds: 10_000) else { throw Errno.timedOut }
    let socket = try accept(from: listener)
    guard wait(on: socket, milliseconds: 10_000) else { throw Errno.timedOut }
    let packet = try receiveBytes(upTo: 256, descriptorsMax: 1, from: socket)
    let words = String(decoding: packet.bytes, as: UTF8.self).split(separator: " ")
    guard let word = words.first, let pid = Int32(word), let channel = packet.descriptors.first
    else { throw Errno.invalid }
    return PlayedProgram(pid: pid, channel: Channel(channel), socket: socket)
  }

  /// Nobody waits for the beginning of service any more.
  package func closeStarter() { starter = nil }

  /// The path and arguments with which a control program spawns one more to be played.
  package func probe() throws -> (path: String, arguments: [String]) {
    (try Self.programFolder() + "/KeeperProbe", ["program", folder + "/lab"])
  }
}

/// A program of the keeper's that the test plays.
package final class PlayedProgram {
  package let pid: Int32
  package let keeper: KeeperClient
  private let socket: Descriptor

  init(pid: Int32, channel: Channel, socket: Descriptor) {
    self.pid = pid
    keeper = KeeperClient(channel)
    self.socket = socket
  }

  /// Makes the process exit with a status.
  package func exit(_ status: UInt8) throws { try sendBytes([status], through: socket) }

  package func kill() throws { try send(signal: Signal.kill, to: pid) }

  /// Waits until a program's state is as told; answers it.
  package func waitFor(
    _ name: String, _ isDue: (KeeperClient.Program) -> Bool
  ) throws -> KeeperClient.Program {
    for _ in 0..<10_000 {
      guard wait(on: keeper.channel.descriptor, milliseconds: 10_000) else { break }
      if let found = try keeper.changes().last(where: { $0.name == name && isDue($0) }) {
        return found
      }
    }
    throw Errno.timedOut
  }

  /// Starts a child through the keeper and plays it.
  package func child(
    _ name: String = "child", scope: String = "scope/", of lab: KeeperLab
  ) throws -> PlayedProgram {
    let probe = try lab.probe()
    try keeper.spawn(name, probe.path, probe.arguments, scope: scope)
    return try lab.program()
  }
}
