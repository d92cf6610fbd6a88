import LinuxSystem
import TestSupport
import Testing
import VbusClient

extension MountTests {
  /// What the vbus of 2009 did by its files in configfs, in the order of its operations.
  @Suite("The original's files")
  struct OriginalTests {
    @Test("A session as its documentation has it, in our spelling")
    func session() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir containers/beta-bus
        mkdir devices/foo
        cat devices/foo/type
        echo net >devices/foo/type
        cat devices/foo/type
        grep -cE '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' devices/foo/mac
        echo 1 >devices/foo/enabled
        ln -s ../../../devices/foo containers/beta-bus/devices/
        ls containers/beta-bus/ids
        cat containers/beta-bus/ids/0/type
        readlink containers/beta-bus/ids/0/device
        readlink containers/beta-bus/devices/foo
        """)
      #expect(
        outcome.text == """

          net
          1
          0
          virtual-ethernet
          ../../../../devices/foo
          ../../../devices/foo

          """)
      let guest = try BusClient(connectingTo: "\(lab.tree)/containers/beta-bus/socket")
      #expect(try guest.devices().map(\.type) == ["virtual-ethernet"])
      _ = try awaitAnswer("the guest to be a member") {
        try lab.run("cat containers/beta-bus/members/*/uid").text == "0\n" ? true : nil
      }
      let end = try lab.run(
        """
        rm containers/beta-bus/devices/foo
        rmdir devices/foo containers/beta-bus
        ls devices containers
        """)
      #expect(end.text == "containers:\n\ndevices:\n")
    }

    /// What an operation says, and that it is refused where it says something.
    struct Step: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let setup: String
      let command: String
      let says: String

      init(_ title: String, after setup: String = ":", _ command: String, _ says: String) {
        testDescription = title
        self.setup = setup
        self.command = command
        self.says = says
      }
    }

    @Test("Each operation does or refuses what it did there", arguments: Step.all)
    func step(_ step: Step) throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run(step.setup).text == "")
      let before = try lab.run("state").text
      let outcome = try lab.run(step.command)
      #expect(outcome.text == step.says + (step.says.isEmpty ? "" : "\n"))
      #expect(outcome.succeeded == step.says.isEmpty)
      #expect(try lab.run("state").text == before || outcome.succeeded)
    }
  }
}

extension MountTests.OriginalTests.Step {
  static let all = containers + devices + types + links + unlinks + others

  private static let denied = "Operation not permitted"

  /// A link in a container that is not made.
  private static func noLink(
    _ title: String, after setup: String = "", to target: String, _ reason: String
  ) -> Self {
    Self(
      title, after: "mkdir containers/c; \(setup)", "ln -s \(target) containers/c/devices/x",
      "ln: failed to create symbolic link 'containers/c/devices/x': \(reason)")
  }

  private static let containers = [
    Self("mkdir makes a container", "mkdir containers/c && [ -d containers/c/devices ]", ""),
    Self(
      "a container's name is taken once", after: "mkdir containers/c", "mkdir containers/c",
      "mkdir: cannot create directory 'containers/c': File exists"),
    Self("rmdir removes one", after: "mkdir containers/c", "rmdir containers/c", ""),
    Self(
      "not while a link is in it", after: "disk d; plug d", "rmdir containers/lab",
      "rmdir: failed to remove 'containers/lab': Directory not empty"),
    Self(
      "rmdir of the directory of containers", "rmdir containers",
      "rmdir: failed to remove 'containers': \(denied)"),
    Self(
      "rmdir of the directory of devices", "rmdir devices",
      "rmdir: failed to remove 'devices': \(denied)"),
    Self(
      "rmdir of what a container always has", after: "mkdir containers/c",
      "rmdir containers/c/members", "rmdir: failed to remove 'containers/c/members': \(denied)"),
    Self(
      "a name that was removed is free again", after: "mkdir containers/c; rmdir containers/c",
      "mkdir containers/c", ""),
  ]

  private static let devices = [
    Self(
      "mkdir makes a device without a type",
      "mkdir devices/d && [ $(cat devices/d/status) = untyped ]", ""),
    Self(
      "a device's name is taken once", after: "mkdir devices/d", "mkdir devices/d",
      "mkdir: cannot create directory 'devices/d': File exists"),
    Self("rmdir removes one", after: "disk d; echo 1 >devices/d/enabled", "rmdir devices/d", ""),
    Self(
      "not while a container has a link to it", after: "disk d; plug d", "rmdir devices/d",
      "rmdir: failed to remove 'devices/d': Device or resource busy"),
  ]

  private static let types = [
    Self(
      "type is an empty line at first", after: "mkdir devices/d",
      #"[ "$(od -An -c devices/d/type)" = "  \n" ]"#, ""),
    Self(
      "writing it makes the class's files appear", after: "mkdir devices/d",
      "printf net >devices/d/type && [ -e devices/d/mac ]", ""),
    Self(
      "a device is typed once", after: "disk d", "echo blk >devices/d/type",
      "echo: write error: Invalid argument"),
    Self(
      "an unknown class", after: "mkdir devices/d", "echo foo >devices/d/type",
      "echo: write error: No such file or directory"),
    Self(
      "a class's name and more", after: "mkdir devices/d", "echo 'blk ' >devices/d/type",
      "echo: write error: No such file or directory"),
    Self(
      "more than any name has", after: "mkdir devices/d", "printf %05000d 0 >devices/d/type",
      "printf: write error: No such file or directory"),
  ]

  private static let links = [
    Self(
      "ln -s plugs a device in", after: "mkdir containers/c; disk d",
      "ln -s ../../../devices/d containers/c/devices/ && [ -e containers/c/ids/0/type ]", ""),
    Self(
      "any name does", after: "mkdir containers/c; disk d",
      "ln -s $LAB/tree/devices/d containers/c/devices/anything", ""),
    noLink("a target outside", to: "/tmp", denied),
    noLink("a target that is missing", to: "../../../devices/d", "No such file or directory"),
    noLink(
      "a target that is no device: a container", to: "../../../containers/c", "Invalid argument"),
    noLink(
      "a target that is no device: a file of one", after: "disk d", to: "$LAB/tree/devices/d/type",
      "Invalid argument"),
    noLink(
      "a device without a type", after: "mkdir devices/d", to: "../../../devices/d",
      "Invalid argument"),
    noLink(
      "a device that is on another bus", after: "disk d; plug d", to: "../../../devices/d",
      "Device or resource busy"),
    Self(
      "a device that is on this bus", after: "mkdir containers/c; disk d; plug d",
      "ln -s ../../../devices/d containers/lab/devices/x",
      "ln: failed to create symbolic link 'containers/lab/devices/x': Device or resource busy"),
    Self(
      "a name that is taken", after: "disk d; disk e; plug d",
      "ln -sT ../../../devices/e containers/lab/devices/d",
      "ln: failed to create symbolic link 'containers/lab/devices/d': File exists"),
    Self(
      "ln -s in a container, not in its devices", after: "mkdir containers/c; disk d",
      "ln -s ../../devices/d containers/c/x",
      "ln: failed to create symbolic link 'containers/c/x': \(denied)"),
    Self(
      "ln -s among the devices", after: "disk d", "ln -s d devices/x",
      "ln: failed to create symbolic link 'devices/x': \(denied)"),
    Self(
      "ln -s among the members", after: "mkdir containers/c; disk d",
      "ln -s ../../../devices/d containers/c/members/x",
      "ln: failed to create symbolic link 'containers/c/members/x': \(denied)"),
  ]

  private static let unlinks = [
    Self("rm unplugs", after: "live d", "rm containers/lab/devices/d", ""),
    Self(
      "also while the engine is dead", after: "live d",
      "kill -KILL $(cat containers/lab/engine/pid); rm containers/lab/devices/d", ""),
    Self(
      "rm of what is no link", "rm version", "rm: cannot remove 'version': \(denied)"),
    Self(
      "rm of a link that belongs to the tree", after: "disk d; plug d",
      "rm containers/lab/ids/0/device",
      "rm: cannot remove 'containers/lab/ids/0/device': \(denied)"),
    Self(
      "a dev-id is not given again",
      after: "disk d; plug d; rm containers/lab/devices/d; plug d",
      "[ $(ls containers/lab/ids) = 1 ]", ""),
  ]

  private static let others = [
    Self(
      "readlink climbs to the root of the tree", after: "disk d; plug d",
      "[ $(readlink containers/lab/devices/d) = ../../../devices/d ]", ""),
    Self(
      "no file is made by hand", "touch devices/x",
      "touch: cannot touch 'devices/x': \(denied)"),
    Self(
      "nor in a container", after: "mkdir containers/c", "echo >containers/c/devices/x",
      "containers/c/devices/x: \(denied)"),
    Self(
      "nor a pipe", "mkfifo containers/x", "mkfifo: cannot create fifo 'containers/x': \(denied)"),
    Self(
      "nor a hard link", after: "disk d", "ln devices/d/type devices/x",
      "ln: failed to create hard link 'devices/x' => 'devices/d/type': \(denied)"),
    Self(
      "what is live keeps its name", after: "live d", "mv devices/d devices/e",
      "mv: cannot move 'devices/d' to 'devices/e': Device or resource busy"),
  ]
}
