import LinuxSystem
import TestSupport
import Testing

/// A folder of one test alone, with a tree mounted in it.
final class Lab {
  /// Holds what the test makes, the mount point `tree` and the runtime directory `run`.
  let folder: String
  var tree: String { folder + "/tree" }
  var runtime: String { folder + "/run" }

  /// Words for scripts. `reason` prints why the newest change was refused, `state` all that a
  /// refused change must leave alone; `kill_control` waits for the successor.
  private static let words = """
    mount_tree() { vbusfs mount --runtime $LAB/run "$@" $LAB/tree; }
    disk() {
      mkdir devices/$1
      echo blk >devices/$1/type
      echo memory >devices/$1/backend
      echo 1M >devices/$1/capacity
    }
    disk_on() {
      mkdir devices/d
      echo blk >devices/d/type
      echo $1 >devices/d/path
    }
    file_disk() {
      truncate -s 1M $LAB/$1.img
      mkdir devices/$1
      echo blk >devices/$1/type
      echo $LAB/$1.img >devices/$1/path
    }
    plug() {
      mkdir -p containers/lab
      ln -s ../../../devices/$1 containers/lab/devices/$1
    }
    live() {
      disk $1
      echo 1 >devices/$1/enabled
      plug $1
    }
    reason() { sed -n 's/^reason: //p' ${1:-last_error}; }
    state() {
      find . ! -name last_error -printf '%p %y %M %U %G %n %l\\n' | sort
      find . -type f ! -name last_error -exec grep -H '' {} + | sort
    }
    pid_of() { cat $LAB/run/$1.pid; }
    kill_control() {
      old=$(pid_of control)
      kill -KILL $old
      until new=$(pid_of control) && [ "${new:-$old}" != $old ]; do sleep 0.005; done
    }
    keep_pids() {
      pids=$(pgrep -f "^[^ ]*vbusfs .* $LAB/tree"; cat $LAB/tree/containers/*/engine/pid)
    }
    has_ended() { ! kill -0 $1 2>/dev/null || grep -qs '^State:.Z' /proc/$1/status; }
    await_end() {
      for pid in $pids; do until has_ended $pid; do sleep 0.01; done; done
      while grep -q " $LAB/tree " /proc/self/mountinfo; do sleep 0.01; done
    }
    nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
    """

  init(mounted: Bool = true, options: String = "") throws {
    folder =
      try shell("mktemp -d /tmp/vbusfs.XXXXXX | tee /dev/stderr | xargs chmod 755").lines.first
      ?? ""
    guard mounted else { return }
    let outcome = try run("mount_tree \(options)", in: folder)
    guard outcome.succeeded else { throw Overdue(description: "mount: \(outcome.text)") }
  }

  /// Runs a bash script at the tree's root, or elsewhere; `$LAB` is the folder, and is put for the
  /// folder's path in what is printed. The shell's own name and line are left out.
  func run(_ script: String, in place: String? = nil, seconds: Int = 20) throws -> Outcome {
    let outcome = try shell(
      "\(Self.words)\n\(script)", in: place ?? tree, environment: ["LAB=\(folder)"],
      seconds: seconds)
    let text = outcome.text.replacing(folder, with: "$LAB")
      .replacing(#/bash: line [0-9]+: /#, with: "")
    return Outcome(ending: outcome.ending, text: text)
  }

  /// Unmounts and removes the folder. What is left over after that is killed, so that it disturbs
  /// no other test.
  func end() {
    _ = try? shell(
      """
      if grep -q " $LAB/tree " /proc/self/mountinfo; then
        vbusfs umount $LAB/tree || vbusfs umount --lazy $LAB/tree
      fi
      for name in keeper control; do
        if [ -e $LAB/run/$name.pid ]; then kill -KILL $(cat $LAB/run/$name.pid); fi
      done
      umount -l $LAB/tree
      rm -rf --one-file-system $LAB
      """, environment: ["LAB=\(folder)"])
  }
}
