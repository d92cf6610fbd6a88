internal import Model
internal import Tables

/// A native client that is attached to a container, as its engine tells of it.
package struct MemberConnection: Hashable, Sendable {
  package let pid: Int32
  package let uid: UInt32
  /// Nanoseconds since 1970.
  package let since: UInt64
  /// How many devices it has open.
  package let openCount: UInt32

  package init(pid: Int32, uid: UInt32, since: UInt64, openCount: UInt32) {
    self.pid = pid
    self.uid = uid
    self.since = since
    self.openCount = openCount
  }
}

/// The processes that are attached to containers: what `members` shows. Nothing of it is stored,
/// for engines tell it anew to each control.
final class Members {
  /// A process, with all its connections to one container.
  struct Process: Hashable {
    let container: ObjectID
    let pid: Int32
    let uid: UInt32
    /// Of its oldest connection.
    let since: UInt64
    /// On all connections.
    let openCount: UInt32
    /// When this was last otherwise.
    var changed: UInt64 = 0
  }

  /// Those of one container.
  private struct Attached {
    var ids: [Int32: ObjectID] = [:]
    var changed: UInt64 = 0
  }

  /// What another list of a container's connections changed.
  struct News {
    var came: [ObjectID] = []
    var changed: [ObjectID] = []
    var went: [ObjectID] = []

    var isNone: Bool { came.isEmpty && changed.isEmpty && went.isEmpty }
  }

  private let processes = NumberTable<Process>()
  private let containers = NumberTable<Attached>()
  private var lastID: UInt64

  /// Their numbers stand above all objects', in the order in which they came. They begin with the
  /// time in milliseconds: so they are above those that a predecessor gave, and none means two
  /// processes to whoever has a file of one open.
  init(since nanoseconds: UInt64) { lastID = ObjectID.rawValueMax + nanoseconds / 1_000_000 }

  // MARK: Looking

  func process(_ id: ObjectID) -> Process? { processes[id] }

  func count(in container: ObjectID) -> Int { containers[container]?.ids.count ?? 0 }

  /// When one came or went last.
  func changed(in container: ObjectID) -> UInt64? { containers[container]?.changed }

  /// By number of the process.
  func all(in container: ObjectID) -> [(id: ObjectID, process: Process)] {
    (containers[container]?.ids.values).map { ids in
      ids.compactMap { id in processes[id].map { (id: id, process: $0) } }
        .sorted { $0.process.pid < $1.process.pid }
    } ?? []
  }

  // MARK: Changing

  /// All connections to a container, in place of those before.
  func set(_ connections: [MemberConnection], of container: ObjectID, now: UInt64) -> News {
    var news = News()
    var attached = containers[container] ?? Attached()
    let found = Self.processes(of: connections, in: container)
    for (pid, id) in attached.ids.sorted(by: { $0.value < $1.value }) where found[pid] == nil {
      processes[id] = nil
      attached.ids[pid] = nil
      news.went.append(id)
    }
    for (pid, process) in found.sorted(by: { $0.key < $1.key }) {
      var process = process
      process.changed = now
      guard let id = attached.ids[pid], let old = processes[id] else {
        lastID += 1
        attached.ids[pid] = ObjectID(rawValue: lastID)
        processes[lastID] = process
        news.came.append(ObjectID(rawValue: lastID))
        continue
      }
      guard old.differs(from: process) else { continue }
      processes[id] = process
      news.changed.append(id)
    }
    if !news.came.isEmpty || !news.went.isEmpty { attached.changed = now }
    if !news.isNone { containers[container] = attached }
    return news
  }

  /// The container is gone.
  func forget(_ container: ObjectID) {
    for id in (containers[container]?.ids ?? [:]).values { processes[id] = nil }
    containers[container] = nil
  }

  private static func processes(
    of connections: [MemberConnection], in container: ObjectID
  ) -> [Int32: Process] {
    var processes: [Int32: Process] = [:]
    for one in connections.sorted(by: { $0.since < $1.since }) {
      let old = processes[one.pid]
      processes[one.pid] = Process(
        container: container, pid: one.pid, uid: old?.uid ?? one.uid,
        since: old?.since ?? one.since, openCount: (old?.openCount ?? 0) &+ one.openCount)
    }
    return processes
  }
}

extension Members.Process {
  fileprivate func differs(from other: Self) -> Bool {
    uid != other.uid || since != other.since || openCount != other.openCount
  }
}
