import LinuxSystem
import TestSupport
import Testing

extension MountTests {
  @Suite("poll")
  struct PollTests {
    @Test("A file that was read is not urgent until its text changes")
    func quiet() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("disk d; disk e").text == "")
      let file = try open(lab.tree + "/devices/d/status", .readOnly)
      _ = try readAgain(file, upTo: 64)
      #expect(try lab.run("echo 1 >devices/e/enabled").succeeded)
      #expect(!wait(for: .urgent, on: file, milliseconds: 50))
    }

    @Test(
      "A change makes a file urgent, and reading it makes it quiet again",
      arguments: [
        ("devices/d/status", "echo 1 >devices/d/enabled", "enabled\n"),
        ("devices/d/serial", "echo abc >devices/d/serial", "abc\n"),
        ("devices/d/last_error", "echo x >devices/d/type", "errno: EINVAL (Invalid argument)\n"),
        ("last_error", "mkdir x", "errno: EPERM (Operation not permitted)\n"),
        ("devices/d/features/offered", "echo 1 >devices/d/read_only", "0x130000e66\n"),
      ])
    func urgent(path: String, change: String, shows: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("disk d; mkdir containers/c").text == "")
      let file = try open("\(lab.tree)/\(path)", .readOnly)
      _ = try readAgain(file, upTo: 4096)
      _ = try lab.run(change)
      #expect(wait(for: .urgent, on: file, milliseconds: 5000))
      #expect(String(decoding: try readAgain(file, upTo: 4096), as: UTF8.self).contains(shows))
      #expect(!wait(for: .urgent, on: file, milliseconds: 0))
    }

    @Test("500 pollers of one file are all woken")
    func many() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        perl -e '
          use IO::Poll; my $poll = IO::Poll->new; my @files;
          for (1..500) {
            open my $file, "<", "devices/d/status" or die; <$file>;
            push @files, $file; $poll->mask($file => 2);
          }
          system "(sleep 0.2; echo 1 >devices/d/enabled) &";
          my $start = time; my %woken;
          while (keys %woken < 500 && time - $start < 5) {
            $poll->poll(1);
            for ($poll->handles(2)) { $woken{$_} = 1; $poll->remove($_); }
          }
          print scalar(keys %woken), "\\n"'
        """)
      #expect(outcome.text == "500\n")
    }

    @Test("A removed file is urgent, and then says ENOENT")
    func removed() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("disk d").text == "")
      let file = try open(lab.tree + "/devices/d/status", .readOnly)
      _ = try readAgain(file, upTo: 64)
      #expect(try lab.run("rmdir devices/d").succeeded)
      #expect(wait(for: .urgent, on: file, milliseconds: 5000))
      #expect(throws: Errno.noEntry) { try readAgain(file, upTo: 64) }
    }
  }
}
