import LinuxSystem
import TestSupport

/// A person at a shell who works on the tree without a pause, and stops at the first operation
/// that fails. None of the operations can be done twice: a second mkdir, mv, rmdir, rm or write of
/// `type` is refused, and a second ln would take a second number.
final class TreeLoop {
  private let lab: Lab
  private let pid: Int32
  private let output: Descriptor
  private var hasEnded = false

  private static let script = """
    set -eu -o pipefail
    mkdir containers/box
    turns=0
    while [ ! -e $LAB/stop ]; do
      device=devices/loop$turns
      mkdir $device
      echo blk >$device/type
      echo null >$device/backend
      echo 1M >$device/capacity
      [ "$(cat $device/capacity)" = 1048576 ]
      ln -s ../../../$device containers/box/devices/
      [ "$(ls containers/box/ids)" = $turns ]
      rm containers/box/devices/loop$turns
      mv $device devices/moved
      rmdir devices/moved
      turns=$((turns + 1))
    done
    mkdir devices/last
    echo blk >devices/last/type
    ln -s ../../../devices/last containers/box/devices/
    set +x
    echo "turns $turns"
    echo "identifier $(ls containers/box/ids)"
    """

  init(in lab: Lab) throws {
    self.lab = lab
    output = try open(lab.folder + "/loop", [.readWrite, .create, .append])
    pid = try startShell(
      "PS4='+ line $LINENO: '; set -x; \(Self.script)", in: lab.tree,
      environment: ["LAB=\(lab.folder)"], output: output, seconds: 300)
  }

  deinit {
    guard !hasEnded else { return }
    try? send(signal: Signal.kill, to: pid)
    _ = try? awaitEnd(of: pid)
  }

  /// Asks it to stop after its turn. Of what it printed, the last lines are kept.
  func finish() throws -> Outcome {
    try write([], toFile: lab.folder + "/stop")
    let ended = try awaitAnswer("the loop's end") { reap(pid) }
    hasEnded = true
    let lines = try shell("tail -n 12 \(lab.folder)/loop").text
    return Outcome(ending: ended.ending, text: lines)
  }
}
