import LinuxSystem
import TestSupport

/// 20 deaths of one process under a guest that writes and a shell that works on the tree; what was
/// seen of it, for the tests to judge.
struct Trial {
  let socketsBefore: Set<String>
  let socketsAfter: Set<String>
  let report: Guest.Report
  let treeLoop: Outcome
  let engineRestarts: UInt64
  let checksumsOnHost: [String]
  let damage: String

  var checksumsInGuest: [String] { Self.files.map { report.value($0) ?? "none" } }
  var turnsOfLoop: Substring? { lastWord(after: "turns ") }
  var identifierAfterLoop: Substring? { lastWord(after: "identifier ") }

  private static let files = ["file0", "file1", "file2", "file3"]

  init(of victim: Victim, under machine: Machine, in lab: Lab) throws {
    var dice = Dice()
    let disk = try lab.addDisk()
    let guest = try Guest(
      machine, on: [disk.socket], running: Commands.verifiedWrites, in: lab)
    try guest.awaitLine("ready")
    let loop = try TreeLoop(in: lab)
    socketsBefore = try guest.sockets()
    try lab.kill(victim, times: 20, &dice)
    // However slow the machine is: the guest goes on after the last death.
    let rounds = guest.lines.count { $0.hasPrefix("round ") }
    try guest.awaitLine("round \(max(10, rounds) + 2)")
    socketsAfter = try guest.sockets()
    engineRestarts = try lab.number("containers/lab0/engine/restarts")
    treeLoop = try loop.finish()
    try guest.say("stop")
    report = try guest.finish()
    checksumsOnHost = try Self.files.map { try lab.checksum(of: "/\($0)", on: disk) }
    damage = try lab.damage(of: disk)
    print("note: \(victim) under \(machine.testDescription): \(turnsOfLoop ?? "no") turns")
  }

  private func lastWord(after word: String) -> Substring? {
    treeLoop.lines.last { $0.hasPrefix(word) }?.dropFirst(word.count)
  }
}
