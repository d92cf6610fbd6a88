import TestSupport
import Testing

extension MountTests {
  @Suite("What is refused")
  struct RefusalTests {
    @Test(
      "A refused change is an error of the tool with a reason, and changes nothing",
      arguments: Refused.ofNames + Refused.ofValues + Refused.ofLinks)
    func refused(_ refused: Refused) throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run(refused.setup).text == "")
      let before = try lab.run("state").text
      let outcome = try lab.run(refused.command)
      #expect(outcome.text == "\(refused.says)\n")
      #expect(!outcome.succeeded)
      #expect(try lab.run("reason").text == "\(refused.reason)\n")
      #expect(try lab.run("state").text == before)
    }

    // The kernel has looked the name up, and answers itself.
    @Test("A name that is taken is refused with EEXIST", arguments: ["devices", "containers"])
    func taken(_ directory: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("mkdir \(directory)/x; mkdir \(directory)/x")
      #expect(outcome.text == "mkdir: cannot create directory '\(directory)/x': File exists\n")
    }

    @Test("A device whose socket's path would have over 107 bytes is refused at mkdir and at mv")
    func socketPath() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        long=$LAB/$(printf %040d 0)
        fits=$(printf %0$((107 - ${#long} - 16))d 0)
        vbusfs mount --runtime $LAB/run $long; cd $long
        live $fits && stat -L -c %F devices/$fits/socket
        mkdir devices/${fits}0 || reason
        mkdir devices/d; mv -T devices/d devices/${fits}0 || reason
        ls devices | wc -l; cd $LAB; vbusfs umount $long
        """, in: lab.folder)
      let name = String(repeating: "0", count: 107 - lab.folder.utf8.count - 41 - 16 + 1)
      #expect(
        outcome.text == """
          socket
          mkdir: cannot create directory 'devices/\(name)': File name too long
          the path of its socket would have 108 bytes; a UNIX socket takes 107
          mv: cannot move 'devices/d' to 'devices/\(name)': File name too long
          the path of its socket would have 108 bytes; a UNIX socket takes 107
          2

          """)
    }

    @Test("A size with a letter that has two upper case ones is refused, and control lives on")
    func sharpS() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; before=$(pid_of control)
        (echo 1ß >devices/d/capacity) 2>/dev/null || reason
        [ "$(pid_of control)" = $before ] && cat devices/d/capacity
        """)
      #expect(outcome.text == "the value is not understood or out of range\n1048576\n")
    }

    @Test("A disk of more memory than a file may have is refused, and nobody dies of it")
    func fileLimit() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      #expect(try lab.run("ulimit -f 100000; mount_tree", in: lab.folder).text == "")
      let outcome = try lab.run(
        """
        disk d; echo 1G >devices/d/capacity; control=$(pid_of control)
        echo 1 >devices/d/enabled
        reason; [ $(pid_of control) = $control ] && echo same
        """)
      #expect(
        outcome.text == """
          echo: write error: File too large
          memory for the disk could not be had
          same

          """)
    }
  }
}
