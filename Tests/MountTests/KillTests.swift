import LinuxSystem
import TestSupport
import Testing

extension MountTests {
  @Suite("Deaths of control")
  struct KillTests {
    /// None of these can be done twice: a second mkdir, mv, rm, rmdir or write of `type` is
    /// refused, and a second ln would take a second number.
    private static let loop = """
      set -e
      mkdir containers/lab
      turns=0
      while [ $turns -lt 25 ] || [ ! -e $LAB/stop ]; do
        device=devices/loop$turns
        mkdir $device
        echo blk >$device/type
        echo null >$device/backend
        echo 1M >$device/capacity
        echo 1 >$device/enabled
        ln -s ../../../$device containers/lab/devices/
        [ "$(ls containers/lab/ids)" = $turns ]
        [ "$(cat $device/status)" = listening ]
        rm containers/lab/devices/loop$turns
        mv $device devices/moved
        rmdir devices/moved
        turns=$((turns + 1))
      done
      """

    @Test("20 deaths while a shell works on the tree: each operation is done, and done once")
    func loop() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        (\(Self.loop)
        mkdir devices/last; echo blk >devices/last/type; plug last
        [ $(ls containers/lab/ids) = $turns ] && echo complete) &
        for death in {1..20}; do sleep 0.0$((RANDOM % 10)); kill_control; done
        : >$LAB/stop; wait $!
        """, seconds: 60)
      #expect(outcome.text == "complete\n")
    }

    @Test("A death while an operation waits for the engine: it is done, and done once")
    func waiting() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; disk e; echo 1 >devices/e/enabled
        engine=$(cat containers/lab/engine/pid); kill -STOP $engine
        plug e &
        sleep 0.3; kill -KILL $(pid_of control); sleep 0.3; kill -CONT $engine
        wait $!; echo $?; cat devices/e/status; ls containers/lab/ids
        """)
      #expect(outcome.text == "0\nlistening\n0\n1\n")
    }

    @Test("Readers and writers of open files go on with the next control")
    func openFiles() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; exec 3>devices/d/serial 4<devices/d/serial; cd devices/d
        kill -KILL $(pid_of control); echo abc >&3; cat <&4; ls | wc -l
        """)
      #expect(outcome.text == "abc\n17\n")
    }

    @Test("Sockets and engines stay when control dies")
    func engines() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; before=$(cat containers/lab/engine/pid; stat -L -c %i devices/d/socket)
        kill -KILL $(pid_of control)
        after=$(cat containers/lab/engine/pid; stat -L -c %i devices/d/socket)
        [ "$before" = "$after" ] && echo same; cat devices/d/status
        """)
      #expect(outcome.text == "same\nlistening\n")
    }
  }
}
