package import LinuxSystem
import Synchronization

/// What a script printed, both streams in order, and how it ended.
package struct Outcome: Sendable {
  package let ending: Ending
  package let text: String

  package init(ending: Ending, text: String) {
    self.ending = ending
    self.text = text
  }

  package var succeeded: Bool { ending == .exited(0) }
  package var lines: [String] { text.split(separator: "\n").map(String.init) }
}

/// Runs a bash script to its end, for at most `seconds`.
package func shell(
  _ script: String, in folder: String = "/", environment: [String] = [], seconds: Int = 60
) throws -> Outcome {
  let output = try temporaryFile()
  let pid = try startShell(
    script, in: folder, environment: environment, output: output, seconds: seconds)
  let ending = try awaitEnd(of: pid)
  let bytes = try readAgain(output, upTo: 1 << 20)
  return Outcome(ending: ending, text: String(decoding: bytes, as: UTF8.self))
}

/// Starts a bash script whose both streams go to a file. It is killed after `seconds`, its
/// children too.
package func startShell(
  _ script: String, in folder: String, environment: [String], output: Descriptor, seconds: Int
) throws -> Int32 {
  let settings = [
    "PATH=\(programFolder ?? ""):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C", "HOME=/tmp",
  ]
  // Neither the streams of the tests nor a place in the tree is held by what waits for the script.
  let arguments = [
    "-c",
    #"exec </dev/null >&3 2>&1 3>&- timeout --signal=KILL "$1" bash -c "$2" bash "$3""#,
    "bash", "\(seconds)", "cd \"$1\" || exit; \(script)", folder,
  ]
  return try spawn(
    "/bin/bash", arguments, environment: settings + environment, descriptors: [output])
}

private let lastFile = Atomic<UInt64>(0)

/// An open file that has no name, so that nothing is left of it.
private func temporaryFile() throws -> Descriptor {
  let path = "/tmp/vbusfs-output-\(processNumber())-\(lastFile.add(1, ordering: .relaxed).newValue)"
  let file = try open(path, [.readWrite, .create, .exclusive, .append])
  try unlink(path)
  return file
}
