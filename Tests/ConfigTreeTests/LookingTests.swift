import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("stat, ls, readlink and the fixed files")
struct LookingTests {
  @Test("The root lists what the contract says")
  func root() throws {
    let names = [
      "README", "version", "last_error", "session", "session_classes", "classes", "devices",
      "containers",
    ]
    #expect(try Bench().ls("") == names)
  }

  @Test("The root has node number 1")
  func rootNumber() throws {
    #expect(try Bench().tree.attributes(of: .root).node.rawValue == 1)
  }

  @Test("A file has the exact size of its text")
  func sizes() throws {
    let bench = try Bench.withDisk()
    #expect(try bench.stat("devices/disk0/path").byteCount == 13)
    #expect(try bench.stat("devices/disk0/last_error").byteCount == 0)
    #expect(
      try bench.stat("devices/disk0/connect").byteCount
        == UInt64(bench.cat("devices/disk0/connect").utf8.count))
  }

  @Test("Every entry of every directory is found by its name, with number and kind as listed")
  func walk() throws {
    let bench = try Bench.withLiveDisk()
    var seen: Set<NodeID> = []
    #expect(try visit(.root, bench, &seen) > 100)
  }

  /// Walks a directory and answers how many nodes are below it.
  private func visit(
    _ directory: NodeID, _ bench: Bench, _ seen: inout Set<NodeID>
  ) throws -> Int {
    var count = 0
    for entry in try bench.tree.entries(of: directory) {
      #expect(seen.insert(entry.node).inserted)
      #expect(try bench.tree.lookup(entry.name.span, in: directory) == entry.node)
      let attributes = try bench.tree.attributes(of: entry.node)
      #expect(attributes.kind == entry.kind)
      #expect(attributes.linkCount == links(of: entry, bench))
      count += 1
      if entry.kind == .directory { count += try visit(entry.node, bench, &seen) }
    }
    return count
  }

  /// What a directory's link count has to be, by its listing.
  private func links(of entry: DirectoryEntry, _ bench: Bench) -> UInt32 {
    guard entry.kind == .directory else { return 1 }
    let entries = (try? bench.tree.entries(of: entry.node)) ?? []
    return 2 + UInt32(entries.count { $0.kind == .directory })
  }

  @Test("type has the lowest number of its directory and enabled the highest of what is written")
  func copyOrder() throws {
    let bench = try Bench.withDisk()
    let entries = try bench.tree.entries(of: bench.node("devices/disk0"))
    #expect(entries.map(\.node) == entries.map(\.node).sorted())
  }

  @Test("A directory's link count is 2 and one for each directory in it")
  func linkCounts() throws {
    let bench = try Bench.withDisk()
    #expect(try bench.stat("").linkCount == 5)
    #expect(try bench.stat("devices").linkCount == 3)
    #expect(try bench.stat("devices/disk0").linkCount == 5)
    #expect(try bench.stat("devices/disk0/path").linkCount == 1)
  }

  @Test(
    "What is not there answers ENOENT",
    arguments: [
      "nothing", "devices/disk1", "devices/disk0/mac", "devices/disk0/container",
      "devices/disk0/queues/1", "devices/disk0/queues/00", "devices/.disk0",
      "containers/lab0/ids/0", "containers/lab0/ids/x", "classes/none",
    ])
  func missing(path: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.noEntry) { try bench.node(path) }
  }

  @Test("A number of nothing answers ENOENT", arguments: [0, 2_000_000, 65536 * 2 + 77, .max])
  func noNode(number: UInt64) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.noEntry) {
      try bench.tree.attributes(of: NodeID(rawValue: number))
    }
  }

  @Test("Looking into a file answers ENOTDIR, reading a directory EISDIR")
  func wrongKind() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notDirectory) { try bench.node("version/x") }
    #expect(throws: TreeError.notDirectory) { try bench.ls("version") }
    #expect(throws: TreeError.isDirectory) { try bench.cat("devices") }
    #expect(throws: TreeError.invalid) { try bench.readlink("devices") }
  }

  @Test("A class describes each attribute in five files")
  func classes() throws {
    let bench = Bench()
    let path = "classes/blk/attributes/capacity"
    #expect(try bench.ls(path) == ["help", "values", "default", "when", "unit"])
    #expect(try bench.cat(path + "/default") == "0\n")
    #expect(try bench.cat(path + "/unit") == "bytes\n")
    #expect(try bench.cat(path + "/when") == "live: at any time\n")
    #expect(try bench.cat("classes/blk/features/flush").contains("durable"))
  }

  @Test("connect has the arguments for QEMU and User-Mode Linux")
  func connect() throws {
    let bench = try Bench.withDisk()
    let text = try bench.cat("devices/disk0/connect")
    let socket = "/run/vbusfs/devices/disk0/socket"
    #expect(text.contains("-chardev socket,id=vbus2,path=\(socket) -device vhost-user-blk-pci,"))
    #expect(text.contains("chardev=vbus2,num-queues=1\n"))
    #expect(text.contains("\nvirtio_uml.device=\(socket):2\n"))
  }

  @Test("A name that a shell or QEMU would take apart is quoted in connect")
  func connectQuotes() throws {
    let bench = Bench()
    try bench.mkdir("devices/a b,c")
    try bench.echo("blk", "devices/a b,c/type")
    #expect(
      try bench.cat("devices/a b,c/connect")
        .contains("-chardev 'socket,id=vbus1,path=/run/vbusfs/devices/a b,,c/socket' "))
  }

  @Test(
    "A name that no kernel command line can hold has no argument for User-Mode Linux",
    arguments: ["a b", "a:b", "a\"b"])
  func connectNot(name: String) throws {
    let bench = Bench()
    try bench.mkdir("devices/\(name)")
    try bench.echo("blk", "devices/\(name)/type")
    let text = try bench.cat("devices/\(name)/connect")
    #expect(!text.contains("virtio_uml"))
    #expect(text.contains("# (not possible: "))
  }

  @Test("An accent after a quote or a comma does not hide it from connect")
  func connectQuotesAccents() throws {
    let bench = Bench()
    try bench.mkdir("devices/a'\u{301}b,\u{301}c")
    try bench.echo("blk", "devices/a'\u{301}b,\u{301}c/type")
    #expect(
      try bench.cat("devices/a'\u{301}b,\u{301}c/connect").utf8
        .starts(
          with: """
            # QEMU, once for a machine: guest memory that can be shared; size as with -m
            -object memory-backend-memfd,id=mem,size=256M,share=on -numa node,memdev=mem
            # QEMU, this device
            -chardev 'socket,id=vbus1,path=/run/vbusfs/devices/a'\\''\u{301}b,,\u{301}c/socket' \

            """.utf8.dropLast(1)))
  }

  @Test("socket leads to the socket's own path")
  func socket() throws {
    let bench = try Bench.withDisk()
    #expect(try bench.readlink("devices/disk0/socket") == "/run/vbusfs.d/sockets/disk0")
  }

  @Test("Modes follow from the directory's, which mkdir gives")
  func modes() throws {
    let bench = Bench()
    try bench.mkdir("devices/d", permissions: 0o770)
    #expect(try bench.stat("devices/d").permissions == 0o770)
    #expect(try bench.stat("devices/d/type").permissions == 0o660)
    #expect(try bench.stat("devices/d/status").permissions == 0o440)
    #expect(try bench.stat("devices/d/type").uid == 1000)
    #expect(try bench.stat("version").permissions == 0o444)
  }

  @Test("mkdir does not make a directory that everybody may write")
  func worldWritableMkdir() throws {
    let bench = Bench()
    try bench.mkdir("devices/d", permissions: 0o777)
    #expect(try bench.stat("devices/d").permissions == 0o775)
  }

  @Test("chmod and chown of a file stay with it, and survive a replay")
  func owners() throws {
    let bench = try Bench.withDisk()
    try bench.change(OwnerChange(permissions: 0o600, uid: 33), "devices/disk0/path")
    let node = try bench.node("devices/disk0/path")
    #expect(try bench.stat("devices/disk0/path").permissions == 0o600)
    #expect(try bench.replayed().attributes(of: node).uid == 33)
  }

  @Test("chown of a live device's directory goes to its files and to its socket")
  func ownerOfDirectory() throws {
    let bench = try Bench.withLiveDisk()
    try bench.change(OwnerChange(uid: 42), "devices/disk0")
    #expect(try bench.stat("devices/disk0/path").uid == 42)
    #expect(bench.world.ownersTold.map(\.owner.uid) == [42])
  }

  @Test("chmod that lets everybody write is refused with EPERM")
  func worldWritable() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) {
      try bench.change(OwnerChange(permissions: 0o666), "devices/disk0/path")
    }
  }

  @Test("The engine's directory shows its process, and no number without one")
  func engine() throws {
    let bench = try Bench.withLiveDisk()
    #expect(try bench.cat("containers/lab0/engine/pid") == "\n")
    bench.world.engine = EngineState(pid: 77, status: "running", restarts: 2)
    #expect(try bench.cat("containers/lab0/engine/pid") == "77\n")
    #expect(try bench.cat("containers/lab0/engine/restarts") == "2\n")
    #expect(try bench.cat("containers/lab0/status") == "running\n")
  }
}
