import TestSupport
import Testing

extension MountTests {
  @Suite("Reading")
  struct ReadingTests {
    @Test("A new device shows three files, and all of its class once typed")
    func files() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "mkdir devices/d; echo $(ls devices/d); echo blk >devices/d/type; echo $(ls devices/d)")
      #expect(
        outcome.text == """
          last_error status type
          backend block_size capacity connect enabled features in_band_notifications last_error \
          num_queues path queues read_only serial socket stats status type

          """)
    }

    @Test("Each file has the exact size of its text")
    func sizes() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; echo tape >devices/d/type 2>/dev/null
        find . -type f | while read -r file; do
          [ $(stat -c %s $file) = $(cat $file | wc -c) ] || echo $file
        done
        """)
      #expect(outcome.text == "")
    }

    @Test("cat prints the value and one newline")
    func newline() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("disk d; od -An -c devices/d/type | tr -d ' '")
      #expect(outcome.text == "blk\\n\n")
    }

    @Test("An open file goes on in what it began to read, and shows the new value from its start")
    func snapshot() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        exec 3<devices/d/capacity
        head -c 4 <&3; echo 512 >devices/d/capacity; cat <&3
        cat devices/d/capacity
        """)
      #expect(outcome.text == "1048576\n512\n")
    }

    @Test("A part of a value can be read from its middle")
    func part() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "disk d; dd if=devices/d/capacity bs=1 skip=4 count=2 status=none")
      #expect(outcome.text == "57")
    }

    @Test("The shell's own read, mapfile and $(<file) take values")
    func builtins() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        read -r type <devices/d/type; mapfile -t backend <devices/d/backend
        echo $type ${backend[0]} $(<devices/d/capacity)
        """)
      #expect(outcome.text == "blk memory 1048576\n")
    }

    @Test("A node's number stays over a restart of control, and is not given again")
    func numbers() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir devices/d; before=$(stat -c %i devices/d)
        kill -KILL $(pid_of control); [ $(stat -c %i devices/d) = $before ] && echo same
        rmdir devices/d; mkdir devices/d; [ $(stat -c %i devices/d) != $before ] && echo other
        """)
      #expect(outcome.text == "same\nother\n")
    }

    @Test("Modes say what can be written, and do not move with the window")
    func modes() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo 1 >devices/d/enabled
        stat -c %A devices/d devices/d/capacity devices/d/status devices/d/socket
        """)
      #expect(outcome.text == "drwxr-xr-x\n-rw-r--r--\n-r--r--r--\nlrwxrwxrwx\n")
    }

    @Test("A directory counts its subdirectories in its links")
    func links() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; disk e; mkdir containers/c
        find . -type d | while read -r directory; do
          inside=$(find $directory -mindepth 1 -maxdepth 1 -type d | wc -l)
          [ $(stat -c %h $directory) = $((2 + inside)) ] || echo $directory
        done
        """)
      #expect(outcome.text == "")
    }

    @Test("df counts objects as inodes")
    func objects() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "disk d; mkdir containers/c; df --output=fstype,itotal,iused . | tail -n 1 | tr -s ' '")
      #expect(outcome.text == "fuse.vbusfs 1000000 2\n")
    }

    @Test("The README's own session works as it is printed")
    func readme() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/vm0.img
        sed -n 's/^  //p' README | sed "s,/srv/vm0.img,$LAB/vm0.img," >$LAB/session
        bash -e $LAB/session
        ls devices containers
        """)
      #expect(outcome.lines.contains("listening"))
      #expect(outcome.lines.suffix(2) == ["containers:", "devices:"])
    }

    @Test("Every attribute of every class is described by five files")
    func classes() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        for attribute in classes/*/attributes/*; do echo $(ls $attribute); done | sort -u
        cat classes/blk/attributes/capacity/default
        """)
      #expect(outcome.text == "default help unit values when\n0\n")
    }

    @Test(
      "What is no directory or no file is said to be none",
      arguments: [
        ("cat devices", "cat: devices: Is a directory\n"),
        ("ls version/x", "ls: cannot access 'version/x': Not a directory\n"),
        ("cat devices/none/type", "cat: devices/none/type: No such file or directory\n"),
        ("readlink version || echo no link", "no link\n"),
        (
          "mkdir -p containers/c && ls containers/c/ids/00",
          "ls: cannot access 'containers/c/ids/00': No such file or directory\n"
        ),
      ])
    func wrongKind(command: String, says: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run(command).text == says)
    }
  }
}
