import Devices
import LinuxSystem
import Model
import Testing

@Suite("Connecting a network card to a stream socket")
struct StreamTests {
  private func wish(_ path: String, forbidding fileSystem: UInt64 = .max) -> HostWish {
    HostWish(["backend": "stream", "path": path], forbiddenFileSystem: fileSystem)
  }

  private func listener(_ path: String, permissions: UInt32 = 0o600) throws -> Descriptor {
    try listen(at: path, permissions: permissions, uid: effectiveUser(), gid: effectiveGroup())
  }

  @Test("A socket that somebody listens on gives one descriptor that does not wait")
  func connects() throws {
    let folder = try Folder()
    let listener = try listener(folder.path + "/s")
    let opening = try openNetHost(wish(folder.path + "/s"))
    let connection = try #require(opening.descriptors.first)
    #expect(throws: Errno.again) { try read(connection, upTo: 1) }
    _ = try accept(from: listener)
  }

  @Test("A path longer than a socket address is no hindrance")
  func long() throws {
    let folder = try Folder()
    let listener = try listener(folder.path + "/s")
    let path = folder.path + String(repeating: "/.", count: 60) + "/s"
    #expect(try openNetHost(wish(path)).descriptors.count == 1)
    _ = try accept(from: listener)
  }

  @Test("A socket nobody listens on answers ECONNREFUSED")
  func nobody() throws {
    let folder = try Folder()
    var listener: Descriptor? = try listener(folder.path + "/s")
    #expect(listener != nil)
    listener = nil
    #expect(refusal(wish(folder.path + "/s")) == .connectionRefused)
  }

  @Test("A missing socket answers ENOENT")
  func missing() throws {
    let folder = try Folder()
    #expect(refusal(wish(folder.path + "/s")) == .noEntry)
  }

  @Test("What is no socket answers EINVAL, a directory EISDIR")
  func noSocket() throws {
    let folder = try Folder()
    let file = try folder.file("f", byteCount: 0)
    #expect(refusal(wish(file)) == .invalid)
    #expect(refusal(wish(folder.path)) == .isDirectory)
  }

  @Test("A symbolic link to a socket answers ELOOP, as does one on the forbidden file system")
  func loops() throws {
    let folder = try Folder()
    let listener = try listener(folder.path + "/s")
    try folder.run("/bin/ln", ["-s", folder.path + "/s", folder.path + "/l"])
    #expect(refusal(wish(folder.path + "/l")) == .tooManyLinks)
    let own = try facts(at: folder.path).fileSystem
    #expect(refusal(wish(folder.path + "/s", forbidding: own)) == .tooManyLinks)
    #expect(throws: Errno.again) { try accept(from: listener) }
  }

  @Test("Other writers need the right to the socket, and its listener does not notice")
  func rights() throws {
    let folder = try Folder()
    let listener = try listener(folder.path + "/s")
    try checkNetRights(wish(folder.path + "/s"))
    #expect(throws: Errno.again) { try accept(from: listener) }
  }

  @Test("switch, loopback and null open nothing", arguments: ["switch", "loopback", "null"])
  func nothing(backend: String) throws {
    let opening = try openNetHost(HostWish(["backend": backend], forbiddenFileSystem: .max))
    #expect(opening.descriptors.isEmpty)
    #expect(opening.facts.isEmpty)
  }
}
