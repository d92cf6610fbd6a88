import LinuxSystem
import Testing

@Suite("Listening on a path")
struct ListenTests {
  @Test("A socket beside it, whatever its name, is left alone")
  func neighbours() throws {
    let folder = "/tmp/vbusfs-listen-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o700)
    let uid = effectiveUser()
    let gid = effectiveGroup()
    let names = ["a~", "a", "a.", "a"]
    let listeners = try names.map {
      try listen(at: "\(folder)/\($0)", permissions: 0o600, uid: uid, gid: gid)
    }
    #expect(try Set(LinuxSystem.names(in: folder)) == ["a~", "a", "a."])
    #expect(listeners.count == 4)
    for name in Set(names) { try unlink("\(folder)/\(name)") }
    try removeDirectory(folder)
  }

  @Test("The file has the mode asked for", arguments: [0o600, 0o644, 0o660, 0o666, 0] as [UInt32])
  func mode(_ mode: UInt32) throws {
    let folder = "/tmp/vbusfs-listen-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o700)
    let listener = try listen(
      at: folder + "/a", permissions: mode, uid: effectiveUser(), gid: effectiveGroup())
    #expect(try facts(at: folder + "/a").permissions == mode)
    withExtendedLifetime(listener) {}
    try unlink(folder + "/a")
    try removeDirectory(folder)
  }

  @Test("What a process left that died before the renaming is replaced")
  func leftover() throws {
    let folder = "/tmp/vbusfs-listen-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o700)
    let uid = effectiveUser()
    let gid = effectiveGroup()
    _ = try listen(at: folder + "/a", permissions: 0o600, uid: uid, gid: gid)
    try rename(folder + "/a", to: folder + "/.a")
    let listener = try listen(at: folder + "/a", permissions: 0o600, uid: uid, gid: gid)
    #expect(try names(in: folder) == ["a"])
    withExtendedLifetime(listener) {}
    try unlink(folder + "/a")
    try removeDirectory(folder)
  }

  @Test("A path without room for the temporary name is refused with ENAMETOOLONG")
  func tooLong() throws {
    let path = "/tmp/" + String(repeating: "x", count: socketPathByteCountMax - 5)
    #expect(throws: Errno.nameTooLong) {
      try listen(at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    }
  }
}
