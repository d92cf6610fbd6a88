import TestSupport
import Testing

extension MountTests {
  @Suite("Start and end")
  struct ProcessTests {
    @Test("mount makes the directory, and returns when the tree answers")
    func mount() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run("mount_tree && cat $LAB/tree/version", in: lab.folder)
      #expect(outcome.text == "1\n")
    }

    @Test("umount ends the processes also while another mount namespace has the mount")
    func otherNamespace() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        unshare --mount sleep 60 & other=$!
        while [ /proc/$other/ns/mnt -ef /proc/$$/ns/mnt ]; do sleep 0.01; done
        keep_pids 2>/dev/null; cd /; vbusfs umount $LAB/tree; await_end; ls $LAB
        kill $other
        """)
      #expect(outcome.text == "tree\n")
    }

    @Test("A second start with the same runtime directory is refused, and makes nothing")
    func secondRuntime() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("vbusfs mount --runtime $LAB/run $LAB/second; ls $LAB")
      #expect(
        outcome.text
          == "Error: $LAB/run is in use: vbusfs is running with it already\nrun\ntree\n")
    }

    @Test("A second start on the same directory is refused, and makes nothing")
    func secondMount() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("vbusfs mount --runtime $LAB/second $LAB/tree; ls $LAB")
      #expect(
        outcome.text == """
          Error: $LAB/tree is mounted already, with its runtime directory $LAB/run
          run
          tree

          """)
    }

    @Test(
      "What cannot be mounted on is refused with a sentence, and makes nothing",
      arguments: [
        ("$LAB/file", "Error: $LAB/file is no directory\n"),
        (
          "$LAB/none/tree",
          "Error: $LAB/none/tree cannot be made: ENOENT (No such file or directory)\n"
        ),
      ])
    func noDirectory(path: String, says: String) throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        ": >$LAB/file; vbusfs mount --runtime $LAB/run \(path); ls", in: lab.folder)
      #expect(outcome.text == "\(says)file\n")
    }

    @Test("umount of what is no tree is refused")
    func unmountNothing() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run("vbusfs umount $LAB", in: lab.folder)
      #expect(outcome.text == "Error: $LAB is no mounted vbusfs tree\n")
      #expect(!outcome.succeeded)
    }

    @Test("umount of a busy tree is refused, and everything goes on")
    func busy() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("vbusfs umount $LAB/tree; cat version")
      #expect(
        outcome.text == """
          Error: $LAB/tree is busy: some process has a file or its directory in it
          1

          """)
    }

    @Test(
      "Every way to end leaves no mount, no process and no file",
      arguments: [
        "vbusfs umount $LAB/tree", "umount $LAB/tree", "kill -TERM $(pid_of keeper)",
        "kill -INT $(pid_of keeper)", "kill -TERM $(pid_of control)",
        "exec 3<$LAB/tree/version; kill -TERM $(pid_of keeper)",
        "exec 3<$LAB/tree/version; vbusfs umount --lazy $LAB/tree; exec 3<&-",
        "kill -KILL $(pid_of control); vbusfs umount $LAB/tree",
      ])
    func end(_ command: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("live d; cd $LAB\nkeep_pids\n\(command)\nawait_end; ls")
      #expect(outcome.text == "tree\n")
    }

    @Test(
      "mount -f stays until a signal or umount, ends with status 0 and leaves nothing",
      arguments: [
        "kill -TERM $!", "kill -INT $!", "vbusfs umount $LAB/tree", "kill -TERM $(pid_of keeper)",
      ])
    func foreground(_ command: String) throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs mount -f --runtime $LAB/run $LAB/tree &
        until [ -e $LAB/tree/version ]; do sleep 0.01; done
        (cd $LAB/tree; live d); keep_pids
        \(command)
        wait $!; echo $?; await_end; ls
        """, in: lab.folder)
      #expect(outcome.text == "0\ntree\n")
    }

    // Shells start what is in the background with SIGINT ignored.
    @Test(
      "mount -f is ended by a signal that comes before the tree answers",
      arguments: [
        "TERM", "INT",
      ])
    func early(_ signal: String) throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs mount -f --runtime $LAB/run $LAB/tree &
        until [ -e $LAB/run/keeper.pid ]; do :; done
        keep_pids 2>/dev/null; kill -\(signal) $!
        wait $!; echo $?; await_end; ls
        """, in: lab.folder)
      #expect(outcome.text == "0\ntree\n")
    }

    @Test("When the keeper is killed, the others end and the mount goes away")
    func keeperKilled() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "live d; cd $LAB; keep_pids; kill -KILL $(pid_of keeper); await_end; ls tree; echo ended")
      #expect(outcome.text == "ended\n")
    }

    @Test("An engine that is stopped ends with its keeper")
    func stoppedEngine() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; cd $LAB; keep_pids; kill -STOP $(cat tree/containers/lab/engine/pid)
        kill -KILL $(pid_of keeper); await_end; ls tree; echo ended
        """)
      #expect(outcome.text == "ended\n")
    }

    @Test(
      "A configuration is forgotten by umount, and kept with --state",
      arguments: [
        ("", "devices:\n"), ("--state $LAB/state", "devices:\nd\n"),
      ])
    func state(options: String, shows: String) throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mount_tree \(options); mkdir tree/devices/d
        vbusfs umount tree; mount_tree \(options)
        cd tree; ls containers/.. -d devices >/dev/null; ls -R devices | sed -n 1,2p
        """, in: lab.folder)
      #expect(outcome.text == shows)
    }

    @Test("A mount whose processes were killed is cleaned up, and all of it comes back")
    func deadMount() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img; disk_on $LAB/img; echo abc >devices/d/serial
        chmod 600 devices/d/serial; chmod 750 devices/d; echo 1 >devices/d/enabled; plug d
        rm containers/lab/devices/d; plug d
        cd $LAB; kill -STOP $(pid_of control); kill -KILL $(pid_of keeper) $(pid_of control)
        until ! ls $LAB/tree 2>/dev/null; do sleep 0.01; done
        mount_tree && cd tree && vbusfs wait devices/d/status listening --timeout 5
        cat devices/d/serial; stat -c %a devices/d devices/d/serial; ls containers/lab/ids
        """)
      #expect(outcome.text == "abc\n750\n600\n1\n")
    }

    @Test("A file that is gone at the next start makes its device failed, with a reason")
    func goneFile() throws {
      let lab = try Lab(options: "--state $LAB/state")
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img; disk_on $LAB/img; echo 1 >devices/d/enabled; plug d
        cd $LAB; vbusfs umount tree; rm img; mount_tree --state $LAB/state; cd tree
        vbusfs wait devices/d/status failed --timeout 5; reason devices/d/last_error
        """)
      #expect(outcome.text == "$LAB/img could not be found: No such file or directory\n")
    }

    @Test("A killed control is not noticed by open files, and a killed engine by nobody")
    func kills() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; exec 3<devices/d/capacity; head -c 4 <&3; cd devices
        kill -KILL $(pid_of control); cat <&3; cat d/status
        kill -KILL $(cat ../containers/lab/engine/pid)
        vbusfs wait ../containers/lab/engine/restarts 1 --timeout 5; cat d/status
        """)
      #expect(outcome.text == "1048576\nlistening\nlistening\n")
    }
  }
}
