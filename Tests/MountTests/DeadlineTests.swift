import TestSupport
import Testing

extension MountTests {
  @Suite("What does not answer")
  struct DeadlineTests {
    /// Runs `operation` while `victim` is stopped, and meanwhile reads, writes and makes elsewhere.
    /// The directory that an operation works on is left out: the kernel itself keeps it locked
    /// until the operation ends.
    private func script(stopping victim: String, _ operation: String) -> String {
      """
      live d; disk e; echo 1 >devices/e/enabled; file_disk f; disk other
      kill -STOP \(victim)
      SECONDS=0
      \(operation) &
      sleep 0.2
      timeout 1 bash -c '
        cat version devices/d/status; echo abc >devices/other/serial; mkdir devices/g
        ls -R devices classes containers/lab/ids >/dev/null' || echo hangs
      wait $! && echo done
      [ $SECONDS -le 4 ] || echo late
      """
    }

    @Test("A stopped engine makes who plugs in fail within the deadline, and hangs nobody")
    func plugIn() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        script(stopping: "$(cat containers/lab/engine/pid)", "plug e"))
      #expect(
        outcome.text == """
          1
          listening
          ln: failed to create symbolic link 'containers/lab/devices/e': Connection timed out

          """)
      #expect(
        try lab.run("reason; cat devices/e/status; ls containers/lab/ids").text
          == "the engine did not answer within 3 seconds\nenabled\n0\n")
    }

    @Test("A stopped engine makes who enables fail within the deadline, and hangs nobody")
    func enable() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("disk c; plug c").text == "")
      let outcome = try lab.run(
        script(stopping: "$(cat containers/lab/engine/pid)", "echo 1 >devices/c/enabled"))
      #expect(outcome.text == "1\nlistening\necho: write error: Connection timed out\n")
      #expect(
        try lab.run("reason devices/c/last_error; cat devices/c/status").text
          == "the engine did not answer within 3 seconds\noffline\n")
    }

    @Test("A stopped engine is ended by rm of a link, which nothing can refuse")
    func unplug() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        script(stopping: "$(cat containers/lab/engine/pid)", "rm containers/lab/devices/d"))
      #expect(outcome.text == "1\nenabled\ndone\n")
    }

    @Test("A stopped engine is replaced by what ends a device, and others are served again")
    func replace() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; live e
        kill -STOP $(cat containers/lab/engine/pid)
        echo 0 >devices/d/enabled
        vbusfs wait containers/lab/engine/restarts 1 --timeout 5; cat devices/*/status
        echo 1 >devices/d/enabled; cat devices/d/status
        """)
      #expect(outcome.text == "offline\nlistening\nlistening\n")
    }

    @Test("A file that does not open makes the writer fail within the deadline, and hangs nobody")
    func opening() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        script(
          stopping: "$(pgrep -P $(pid_of control) -f 'vbusfs helper')",
          "echo 1 >devices/f/enabled"))
      #expect(outcome.text == "1\nlistening\necho: write error: Connection timed out\n")
      #expect(
        try lab.run("reason devices/f/last_error; echo 1 >devices/f/enabled; cat devices/f/status")
          .text == "opening the host side took longer than 3 seconds\nenabled\n")
    }

    @Test("What names nothing of the host is enabled and grows while openings hang")
    func hostless() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk memory; disk null; echo null >devices/null/backend
        for class in rng net; do mkdir devices/$class; echo $class >devices/$class/type; done
        kill -STOP $(pgrep -P $(pid_of control) -f 'vbusfs helper')
        for device in memory null rng net; do echo 1 >devices/$device/enabled; done
        echo 2M >devices/memory/capacity
        cat devices/{memory,null,rng,net}/status devices/memory/capacity
        """, seconds: 3)
      #expect(outcome.text == "enabled\nenabled\nenabled\nenabled\n2097152\n")
    }

    @Test("Who waits for a stopped engine can be killed")
    func killed() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; disk e; echo 1 >devices/e/enabled
        kill -STOP $(cat containers/lab/engine/pid)
        plug e & sleep 0.2; kill -KILL $! $(pgrep -P $!); wait $! 2>/dev/null; echo $?
        """, seconds: 10)
      #expect(outcome.text == "137\n")
    }

    @Test(
      "Ctrl-C lets who waits go at once, nothing is changed, and the next try succeeds",
      arguments: [
        ("$(pgrep -P $(pid_of control) -f 'vbusfs helper')", "echo 1 >devices/f/enabled"),
        ("$(cat containers/lab/engine/pid)", "echo 1 >devices/c/enabled"),
        (
          "$(cat containers/lab/engine/pid)",
          "ln -s ../../../devices/e containers/lab/devices/e"
        ),
        ("$(cat containers/lab/engine/pid)", "echo abc >devices/d/serial"),
      ])
    func interrupted(victim: String, operation: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; disk e; echo 1 >devices/e/enabled; file_disk f; disk c; plug c
        shows() { cat devices/*/{status,serial}; ls containers/lab/ids; }
        shows >$LAB/before; victim=\(victim); kill -STOP $victim
        start=$(date +%s%N)
        timeout --foreground -s INT 0.3 bash -c '\(operation)' 2>/dev/null; echo $?
        [ $((($(date +%s%N) - start) / 1000000)) -lt 1500 ] || echo late
        kill -CONT $victim
        vbusfs wait devices/d/status listening --timeout 5
        shows | diff $LAB/before - && (\(operation)) && echo done
        """)
      #expect(outcome.text == "124\ndone\n")
    }

    @Test("A signal that a program takes beside its work does not end its waiting")
    func besides() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        file_disk f; helper=$(pgrep -P $(pid_of control) -f 'vbusfs helper'); kill -STOP $helper
        (sleep 0.5; kill -CONT $helper) &
        perl -e '
          $SIG{CHLD} = sub { $seen = 1 };
          if (!fork) { select undef, undef, undef, 0.2; exit }
          open my $file, ">", "devices/f/enabled"; print "written\\n" if syswrite $file, "1";
          print "seen\\n" if $seen'
        cat devices/f/status
        """)
      #expect(outcome.text == "written\nseen\nenabled\n")
    }

    @Test("100 openings at once all succeed")
    func manyOpenings() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img
        for device in d{1..100}; do
          mkdir devices/$device; echo blk >devices/$device/type
          echo $LAB/img >devices/$device/path
        done
        for device in d{1..100}; do echo 1 >devices/$device/enabled & done; wait
        cat devices/*/status | sort | uniq -c | tr -s ' '
        """)
      #expect(outcome.text == " 100 enabled\n")
    }

    @Test("A helper that is killed is replaced, and who waits for it notices nothing")
    func killedHelper() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        helper() { pgrep -P $(pid_of control) -f 'vbusfs helper'; }
        file_disk d; kill -STOP $(helper); echo 1 >devices/d/enabled &
        sleep 0.2; kill -KILL $(helper); wait $!; echo $?
        cat devices/d/status
        """)
      #expect(outcome.text == "0\nenabled\n")
    }
  }
}
