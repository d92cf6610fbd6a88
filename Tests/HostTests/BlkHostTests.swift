import Devices
import LinuxSystem
import Model
import Testing

@Suite("Opening a disk's host side")
struct BlkHostTests {
  private func opened(
    _ values: [String: String], forbidding fileSystem: UInt64 = .max
  ) throws -> HostOpening {
    let defaults = [
      "backend": "file", "path": "", "capacity": "0", "block_size": "512", "read_only": "0",
    ]
    let kind = try #require(deviceKind("blk"))
    return try kind.openHost(
      HostWish(defaults.merging(values) { $1 }, forbiddenFileSystem: fileSystem))
  }

  /// The errno with which opening is refused; `nil` when it is not.
  private func refusal(
    _ values: [String: String], forbidding fileSystem: UInt64 = .max
  ) throws -> Errno? {
    do { _ = try opened(values, forbidding: fileSystem) } catch let refusal as HostRefusal {
      return Errno(rawValue: refusal.errno)
    }
    return nil
  }

  @Test("A file gives one descriptor and its own size")
  func file() throws {
    let folder = try Folder()
    let opening = try opened(["path": folder.file("i", byteCount: 8192)])
    #expect(opening.descriptors.count == 1)
    #expect(opening.facts == ["capacity": "8192"])
  }

  @Test("A larger capacity extends the file")
  func extends() throws {
    let folder = try Folder()
    let path = try folder.file("i", byteCount: 8192)
    #expect(try opened(["path": path, "capacity": "16384"]).facts == ["capacity": "16384"])
    #expect(try facts(at: path).byteCount == 16384)
  }

  @Test("A smaller capacity uses the file's beginning and cuts nothing off")
  func keeps() throws {
    let folder = try Folder()
    let path = try folder.file("i", byteCount: 8192)
    #expect(try opened(["path": path, "capacity": "4096"]).facts == ["capacity": "4096"])
    #expect(try facts(at: path).byteCount == 8192)
  }

  @Test("Memory has the size asked for, null needs no descriptor")
  func withoutFile() throws {
    let memory = try opened(["backend": "memory", "capacity": "4096"])
    #expect(try facts(of: try #require(memory.descriptors.first)).byteCount == 4096)
    #expect(try opened(["backend": "null", "capacity": "4096"]).descriptors.isEmpty)
  }

  @Test("A missing file answers ENOENT")
  func missing() throws {
    let folder = try Folder()
    #expect(try refusal(["path": folder.path + "/none"]) == .noEntry)
  }

  @Test("A directory answers EISDIR")
  func directory() throws {
    let folder = try Folder()
    #expect(try refusal(["path": folder.path]) == .isDirectory)
  }

  @Test("A FIFO answers EINVAL and hangs nobody")
  func fifo() throws {
    let folder = try Folder()
    try folder.run("/usr/bin/mkfifo", [folder.path + "/f"])
    #expect(try refusal(["path": folder.path + "/f"]) == .invalid)
  }

  @Test("A character device answers EINVAL")
  func character() throws {
    #expect(try refusal(["path": "/dev/null"]) == .invalid)
  }

  @Test("A symbolic link as the last component answers ELOOP")
  func link() throws {
    let folder = try Folder()
    let target = try folder.file("i", byteCount: 512)
    try folder.run("/bin/ln", ["-s", target, folder.path + "/l"])
    #expect(try refusal(["path": folder.path + "/l"]) == .tooManyLinks)
  }

  @Test("A relative path answers EINVAL")
  func relative() throws {
    #expect(try refusal(["path": "etc/passwd"]) == .invalid)
  }

  @Test("A file on the forbidden file system answers ELOOP")
  func ownMount() throws {
    let folder = try Folder()
    let path = try folder.file("i", byteCount: 512)
    let fileSystem = try facts(at: path).fileSystem
    #expect(try refusal(["path": path], forbidding: fileSystem) == .tooManyLinks)
  }

  @Test("An empty file without a capacity answers EINVAL")
  func empty() throws {
    let folder = try Folder()
    #expect(try refusal(["path": folder.file("i", byteCount: 0)]) == .invalid)
  }

  @Test("A size that is not a multiple of the block size answers EINVAL")
  func odd() throws {
    let folder = try Folder()
    let path = try folder.file("i", byteCount: 1000)
    #expect(try refusal(["path": path]) == .invalid)
    #expect(try refusal(["path": path, "capacity": "1536", "block_size": "1024"]) == .invalid)
    #expect(try facts(at: path).byteCount == 1000)
  }

  @Test("A read-only disk is not extended: ENOSPC")
  func extendReadOnly() throws {
    let folder = try Folder()
    let path = try folder.file("i", byteCount: 512)
    let values = ["path": path, "capacity": "1024", "read_only": "1"]
    #expect(try refusal(values) == .noSpace)
  }

  /// What an open host side becomes with other values.
  private func adjusted(_ opening: HostOpening, _ capacity: String) throws -> String? {
    let kind = try #require(deviceKind("blk"))
    let values = ["backend": "file", "capacity": capacity, "block_size": "512", "read_only": "0"]
    return try kind.adjustHost(
      HostWish(values, forbiddenFileSystem: .max, open: opening.descriptors))["capacity"]
  }

  @Test("A larger capacity extends the open file", arguments: ["file", "memory"])
  func adjust(backend: String) throws {
    let folder = try Folder()
    let path = try folder.file("i", byteCount: 512)
    let opening = try opened(["backend": backend, "path": path, "capacity": "512"])
    #expect(try adjusted(opening, "1024") == "1024")
    #expect(try facts(of: #require(opening.descriptors.first)).byteCount == 1024)
  }

  @Test("A smaller capacity cuts nothing off the open file")
  func adjustDown() throws {
    let folder = try Folder()
    let opening = try opened(["path": folder.file("i", byteCount: 1024)])
    #expect(try adjusted(opening, "512") == "512")
    #expect(try facts(of: #require(opening.descriptors.first)).byteCount == 1024)
  }

  @Test("A file that is open for reading alone is not extended: ENOSPC")
  func adjustReadOnly() throws {
    let folder = try Folder()
    let opening = try opened(["path": folder.file("i", byteCount: 512), "read_only": "1"])
    let kind = try #require(deviceKind("blk"))
    let values = ["capacity": "1024", "block_size": "512", "read_only": "1"]
    let refusal = #expect(throws: HostRefusal.self) {
      try kind.adjustHost(
        HostWish(values, forbiddenFileSystem: .max, open: opening.descriptors))
    }
    #expect(refusal?.errno == Errno.noSpace.rawValue)
  }

  @Test("Memory and null without a capacity answer EINVAL", arguments: ["memory", "null"])
  func noCapacity(backend: String) throws {
    #expect(try refusal(["backend": backend]) == .invalid)
  }
}
