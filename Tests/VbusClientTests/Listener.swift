import LinuxSystem
import Synchronization

/// A host that listens at a path, for programs: each of them has a bus of its own.
final class Listener: Sendable {
  let path: String
  private let folder: String
  private let listener: Descriptor
  private let hosts = Mutex<[Host]>([])
  private let isOver = Atomic<Bool>(false)

  init(_ behaviour: Host.Behaviour = Host.Behaviour()) throws {
    folder = "/tmp/vbusfs-bus-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o755)
    path = folder + "/socket"
    listener = try listen(
      at: path, permissions: 0o666, uid: effectiveUser(), gid: effectiveGroup(), kind: .packets)
    _ = try Thread { [self] in
      while !isOver.load(ordering: .relaxed) {
        guard wait(on: listener, milliseconds: 20), let far = try? accept(from: listener) else {
          continue
        }
        // The client's end is in another process; what stands for it here is never used.
        guard let (near, _) = try? Channel.pair() else { continue }
        guard let host = try? Host(behaviour, near: near, far: Channel(far)) else { continue }
        hosts.withLock { $0.append(host) }
      }
    }
  }

  /// Tells all hosts.
  func tell(_ command: Host.Command) {
    for host in hosts.withLock({ $0 }) { host.tell(command) }
  }

  func end() {
    isOver.store(true, ordering: .relaxed)
    try? unlink(path)
    try? removeDirectory(folder)
  }
}
