import TestSupport
import Testing

extension MountTests {
  @Suite("Writing")
  struct WritingTests {
    @Test(
      "Each tool writes a whole value, with a newline or without",
      arguments: [
        "echo 2M >FILE", "printf 2M >FILE", "echo 2M | tee FILE >/dev/null",
        "echo 2M | tee -a FILE >/dev/null", "echo 2M | dd of=FILE status=none",
        "echo 2M | dd of=FILE conv=notrunc status=none", "echo 2M >>FILE", "echo 2M 1<>FILE",
        "echo 2097152 >$LAB/text; cp $LAB/text FILE", "echo 2M | cat >FILE",
        "perl -e 'print \"2M\"' >FILE",
      ])
    func tools(_ command: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "disk d; \(command.replacing("FILE", with: "devices/d/capacity")); cat devices/d/capacity")
      #expect(outcome.text == "2097152\n")
    }

    @Test(
      "Truncation alone changes nothing",
      arguments: [
        ": >FILE", "truncate -s 0 FILE", "truncate -s 100 FILE", "cat /dev/null >FILE",
        "dd if=/dev/null of=FILE status=none",
      ])
    func truncation(_ command: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; \(command.replacing("FILE", with: "devices/d/capacity")) || echo failed
        cat devices/d/capacity last_error
        """)
      #expect(outcome.text == "1048576\n")
    }

    @Test(
      "A value in several writes is refused with EINVAL at the second",
      arguments: [
        ("(echo 1M; echo 2M) >FILE", "echo: write error: Invalid argument\n"),
        (#"printf '%s\n' 1M 2M >FILE"#, "printf: write error: Invalid argument\n"),
        (
          "printf 1M2M | dd bs=2 of=FILE status=none",
          "dd: error writing 'devices/d/capacity': Invalid argument\n"
        ),
      ])
    func parts(command: String, says: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        \(command.replacing("FILE", with: "devices/d/capacity"))
        reason devices/d/last_error; cat devices/d/capacity
        """)
      #expect(
        outcome.text
          == "\(says)the value came in several writes; one write is one value\n1048576\n")
    }

    @Test("A loop that writes one value for each open stores each")
    func again() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "disk d; for serial in a b c; do echo $serial >devices/d/serial; cat devices/d/serial; done"
      )
      #expect(outcome.text == "a\nb\nc\n")
    }

    @Test("tee stores what is taken and reports what is not, each file by itself")
    func tee() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo 4096 | tee devices/d/block_size devices/d/read_only devices/d/serial
        cat devices/d/block_size devices/d/read_only devices/d/serial
        """)
      #expect(
        outcome.text
          == "4096\ntee: devices/d/read_only: Invalid argument\n4096\n0\n4096\n")
    }

    @Test("One value has one text form, whatever was typed")
    func canonical() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo yes >devices/d/read_only; echo 0x100000040 >devices/d/features/mask
        cat devices/d/read_only devices/d/features/mask devices/d/features/offered
        cat devices/d/features/bits/blk_size devices/d/features/bits/flush
        """)
      #expect(outcome.text == "1\n0x100000040\n0x100000040\noffered\noff\n")
    }

    @Test("last_error tells time, path, value, errno, reason and what is accepted")
    func lastError() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo tape >devices/d/backend 2>/dev/null
        cmp last_error devices/d/last_error
        sed 's/^time: 20..-..-..T..:..:..\\....Z$/time: now/' last_error
        """)
      #expect(
        outcome.text == """
          time: now
          path: devices/d/backend
          value: tape\\n
          errno: EINVAL (Invalid argument)
          reason: the value is not understood or out of range
          accepted: file memory null

          """)
    }

    @Test("A file can be watched: its time of change moves with each value")
    func times() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; sleep 0.02; touch $LAB/before; sleep 0.02; echo 2M >devices/d/capacity
        find devices -newer $LAB/before
        """)
      #expect(outcome.text == "devices/d/capacity\n")
    }

    @Test("touch of what is there is accepted, and of a new file refused")
    func touch() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("disk d; touch devices/d devices/d/serial; touch devices/d/new")
      #expect(outcome.text == "touch: cannot touch 'devices/d/new': Operation not permitted\n")
    }

    @Test("A file that is open when its device goes refuses with ENODEV")
    func gone() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("disk d; exec 3>devices/d/serial; rmdir devices/d; echo a >&3")
      #expect(outcome.text == "echo: write error: No such device\n")
    }
  }
}
