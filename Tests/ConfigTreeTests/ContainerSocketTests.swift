import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("The socket of a container")
struct ContainerSocketTests {
  @Test("It is there from mkdir on, and socket leads to it")
  func made() throws {
    let bench = try Bench.withDisk()
    #expect(bench.world.containers.keys.sorted() == [try bench.container("lab0")])
    #expect(try bench.readlink("containers/lab0/socket") == "/run/vbusfs.d/buses/lab0")
  }

  @Test("It follows the container's name, owner and mode")
  func follows() throws {
    let bench = try Bench.withDisk()
    let lab0 = try bench.container("lab0")
    try bench.mv("containers/lab0", "containers/lab1")
    try bench.change(OwnerChange(permissions: 0o770, uid: 42), "containers/lab1")
    #expect(bench.world.containers[lab0]?.name.text == "lab1")
    #expect(bench.world.containers[lab0]?.owner.uid == 42)
    #expect(bench.world.containers[lab0]?.owner.permissions == 0o770)
    #expect(try bench.readlink("containers/lab1/socket") == "/run/vbusfs.d/buses/lab1")
  }

  @Test("It goes with rmdir")
  func gone() throws {
    let bench = try Bench.withDisk()
    try bench.rmdir("containers/lab0")
    #expect(bench.world.containers.isEmpty)
  }

  @Test("A container whose socket cannot be made is not made, and the reason is given")
  func refused() throws {
    let bench = try Bench.withDisk()
    bench.world.containerFailure = HostRefusal(
      errno: Errno.noSpace.rawValue, reason: "there is no room for a socket")
    #expect(throws: TreeError.noSpace) { try bench.mkdir("containers/lab1") }
    #expect(try bench.ls("containers") == ["lab0"])
    #expect(try bench.cat("last_error").contains("reason: there is no room for a socket\n"))
  }

  @Test("A container that cannot be stored leaves no socket")
  func notStored() throws {
    let bench = Bench()
    bench.world.storeFailure = .noSpace
    #expect(throws: TreeError.noSpace) { try bench.mkdir("containers/lab0") }
    #expect(bench.world.containers.isEmpty)
  }

  @Test("rmdir of one that is not empty leaves its socket alone")
  func kept() throws {
    let bench = try Bench.withLiveDisk()
    #expect(throws: TreeError.notEmpty) { try bench.rmdir("containers/lab0") }
    #expect(bench.world.containers.count == 1)
  }

  @Test("A name whose socket's path would be too long is refused at mkdir and at mv")
  func tooLong() throws {
    let bench = try Bench.withDisk()
    bench.world.containerSocketDirectory = "/" + String(repeating: "d", count: 90)
    let name = String(repeating: "n", count: 20)
    #expect(throws: TreeError.nameTooLong) { try bench.mkdir("containers/" + name) }
    #expect(throws: TreeError.nameTooLong) {
      try bench.mv("containers/lab0", "containers/" + name)
    }
    #expect(try bench.ls("containers") == ["lab0"])
  }

  @Test("The link to it belongs to the tree")
  func fixed() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) { try bench.rm("containers/lab0/socket") }
    #expect(throws: TreeError.notPermitted) {
      try bench.mv("containers/lab0/socket", "containers/lab0/s")
    }
  }
}
