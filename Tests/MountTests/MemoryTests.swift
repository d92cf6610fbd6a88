import TestSupport
import Testing

extension MountTests {
  /// The kernel saves requests, and nobody can tell by anything else.
  @Suite("What the kernel remembers")
  struct MemoryTests {
    @Test(
      "A repeated operation costs no more requests than it must",
      arguments: [
        ("stat q(devices/d/serial)", 0),
        ("stat q(devices/d)", 0),
        ("stat q(classes/blk/attributes/path/help)", 0),
        // Its text changes by itself, so its size is asked for.
        ("stat q(devices/d/status)", 1),
        ("my $f = POSIX::open(q(devices/d/serial)); POSIX::read($f, $_, 99); POSIX::close($f)", 3),
        (
          """
          my $f = POSIX::open(q(devices/d/serial), O_WRONLY | O_TRUNC);
          POSIX::write($f, q(abc), 3); POSIX::close($f)
          """, 3
        ),
        // LOOKUP, MKDIR, RMDIR, and the directory's attributes after each change.
        ("mkdir q(devices/x); rmdir q(devices/x)", 5),
        // opendir(3) asks for the directory's attributes too.
        ("opendir my $d, q(devices/d); my @names = readdir $d; closedir $d", 5),
      ])
    func requests(operation: String, count: Int) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        requests() {
          for file in /proc/$(pid_of control)/fd/*; do
            case $(readlink $file) in
              /memfd:vbusfs-requests*) od -An -t u8 -j 8704 -N 8 $file ;;
            esac
          done
        }
        repeat() { perl -e 'use POSIX; for (1..100) { \(operation) }'; }
        repeat; before=$(requests); repeat; after=$(requests)
        echo $(((after - before + 50) / 100))
        """)
      #expect(outcome.text == "\(count)\n")
    }

    @Test(
      "What somebody looked at before a change shows the change at once",
      arguments: [
        // Commands before, a look, a change, and what the look shows before and after it.
        (
          "mkdir devices/d", "stat -c '%n %h %s' devices/d devices/d/type; ls devices/d | wc -l",
          "echo blk >devices/d/type",
          "devices/d 2 0\ndevices/d/type 1 1\n3\n", "devices/d 5 0\ndevices/d/type 1 4\n17\n"
        ),
        ("disk d", "stat -c %s devices/d/serial", "echo abcd >devices/d/serial", "1\n", "5\n"),
        ("disk d", "stat -c %s devices/d/status", "echo 1 >devices/d/enabled", "8\n", "8\n"),
        (
          "disk d", "stat -c %s devices/d/status devices/d/last_error",
          "plug d; echo 1 >devices/d/enabled", "8\n0\n", "10\n0\n"
        ),
        (
          "truncate -s 3M $LAB/image; disk_on $LAB/image", "stat -c %s devices/d/capacity",
          "echo 1 >devices/d/enabled", "2\n", "8\n"
        ),
        (
          "disk d", "stat -c %s devices/d/features/bits/flush devices/d/features/offered",
          "echo 0x100000000 >devices/d/features/mask", "8\n12\n", "4\n12\n"
        ),
        (
          "disk d; echo 4 >devices/d/num_queues",
          "stat -c %h devices/d/queues; ls devices/d/queues",
          "echo 1 >devices/d/num_queues", "6\n0\n1\n2\n3\n", "3\n0\n"
        ),
        (
          "live d", "stat -c %s devices/d/capacity", "echo 16M >devices/d/capacity", "8\n", "9\n"
        ),
        (
          "mkdir devices/a devices/b", "stat -c %h devices; ls devices", "rmdir devices/a",
          "4\na\nb\n", "3\nb\n"
        ),
        ("", "stat -c %h devices", "mkdir devices/a", "2\n", "3\n"),
        (
          "disk d; mkdir containers/lab",
          "ls devices/d containers/lab/ids | grep -x -e container -e 0",
          "plug d", "", "0\ncontainer\n"
        ),
        (
          "live d", "readlink devices/d/container containers/lab/ids/0/device",
          "rm containers/lab/devices/d",
          "../../containers/lab\n../../../../devices/d\n", ""
        ),
        (
          "live d", "cat containers/lab/ids/0/type; stat -c %s containers/lab/devices/d",
          "ln -sfn ../../../devices/d containers/lab/devices/d", "virtio-blk\n18\n",
          "virtio-blk\n18\n"
        ),
        (
          "disk d; plug d", "stat -c '%s %N' containers/lab/devices/d",
          "mv devices/d devices/other",
          "18 'containers/lab/devices/d' -> '../../../devices/d'\n",
          "22 'containers/lab/devices/d' -> '../../../devices/other'\n"
        ),
        (
          "disk d", "cat devices/d/type devices/e/type 2>/dev/null", "mv devices/d devices/e",
          "blk\n", "blk\n"
        ),
        (
          "disk d", "wc -c devices/d/type; stat -c %h devices/d",
          "rmdir devices/d; mkdir devices/d", "4 devices/d/type\n5\n", "1 devices/d/type\n2\n"
        ),
        (
          "disk d",
          "stat -c '%a %n' devices/d devices/d/serial devices/d/stats devices/d/features/mask",
          "chmod 770 devices/d",
          """
          755 devices/d
          644 devices/d/serial
          755 devices/d/stats
          644 devices/d/features/mask

          """,
          """
          770 devices/d
          660 devices/d/serial
          770 devices/d/stats
          660 devices/d/features/mask

          """
        ),
        (
          "disk d", "nobody cat devices/d/serial devices/d/features/mask 2>/dev/null",
          "chmod 750 devices/d", "\n0xffffffffffffffff\n", ""
        ),
        (
          "disk d", "nobody cat devices/d/type 2>/dev/null", "chmod 600 devices/d/type", "blk\n", ""
        ),
        (
          "disk d", "(nobody sh -c 'echo abc >devices/d/serial') 2>/dev/null || echo refused",
          "chown nobody devices/d", "refused\n", ""
        ),
        (
          "live d", "stat -c '%U %n' containers/lab/devices containers/lab/engine/pid",
          "chown -R nobody containers/lab",
          "root containers/lab/devices\nroot containers/lab/engine/pid\n",
          "nobody containers/lab/devices\nnobody containers/lab/engine/pid\n"
        ),
      ])
    func atOnce(first: String, look: String, change: String, before: String, after: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "\(first)\nlook() { \(look); }\nlook 2>&1; echo --; \(change); look 2>/dev/null")
      #expect(outcome.text == before + "--\n" + after)
    }

    @Test("A refused write leaves the size that stat shows")
    func refused() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo abc >devices/d/serial; stat -c %s devices/d/serial
        (echo 123456789012345678901 >devices/d/serial) 2>/dev/null || stat -c %s devices/d/serial
        """)
      #expect(outcome.text == "4\n4\n")
    }

    @Test("200 changes of mode and size show at once while others look all the time")
    func races() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo a >devices/d/serial
        for reader in 1 2 3; do
          perl -e '
            until (-e "$ENV{LAB}/stop") {
              stat "devices/d$_" for "", "/serial", "/type", "/stats", "/features/mask";
              opendir my $d, "devices"; my @names = readdir $d
            }' &
        done
        perl -e '
          # The kernel calls what it learns fresh a few instructions before it has written it down:
          # one look beside somebody else can show what was before, and never two.
          sub shows { my ($path, $field, $value, $mask) = @_;
            for (1..2) { return if ((stat $path)[$field] & ($mask // ~0)) == $value }
            die "$path: ", (stat $path)[$field], " for $value" }
          for my $turn (1..200) {
            my $mode = $turn % 2 ? 0750 : 0755;
            chmod $mode, "devices/d" or die;
            shows "devices/d$_", 2, $mode, 0777 for "", "/stats";
            shows "devices/d$_", 2, $mode & 0666 | 0200, 0777 for "/serial", "/features/mask";
            open my $file, ">", "devices/d/serial" or die;
            syswrite $file, "x" x ($turn % 20) . "\\n"; close $file;
            shows "devices/d/serial", 7, 1 + $turn % 20;
            mkdir "devices/more" or die; shows "devices", 3, 4;
            open $file, ">", "devices/more/type"; syswrite $file, "blk\\n"; close $file;
            shows "devices/more", 3, 5;
            rmdir "devices/more" or die; shows "devices", 3, 3
          }' && echo right
        : >$LAB/stop; wait
        """, seconds: 60)
      #expect(outcome.text == "right\n")
    }

    @Test("A change that control died of, or just after, shows at once")
    func deaths() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        (perl -e '
          my $turn = 0;
          until (-e "$ENV{LAB}/stop") {
            my $mode = ++$turn % 2 ? 0750 : 0755;
            chmod $mode, "devices/d" or die;
            for ("", "/stats") { die unless ((stat "devices/d$_")[2] & 0777) == $mode }
            die unless ((stat "devices/d/serial")[2] & 0777) == ($mode & 0666 | 0200);
            mkdir "devices/more" or die; die unless (stat "devices")[3] == 4;
            open my $file, ">", "devices/more/type"; syswrite $file, "blk\\n"; close $file;
            die unless (stat "devices/more")[3] == 5;
            rmdir "devices/more" or die; die unless (stat "devices")[3] == 3
          }' && echo right) &
        for death in {1..15}; do sleep 0.0$((RANDOM % 10)); kill_control; done
        : >$LAB/stop; wait $!
        """, seconds: 60)
      #expect(outcome.text == "right\n")
    }
  }
}
