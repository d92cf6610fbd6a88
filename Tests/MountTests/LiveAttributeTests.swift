import TestSupport
import Testing

extension MountTests {
  @Suite("A capacity written while the disk is live")
  struct LiveAttributeTests {
    private let disk = """
      truncate -s 1M $LAB/image; mkdir containers/c devices/d; echo blk >devices/d/type
      echo $LAB/image >devices/d/path; echo 1 >devices/d/enabled
      ln -s ../../../devices/d containers/c/devices/
      """

    @Test("A larger one extends the file and is shown; 0 follows a file that has grown")
    func grows() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        \(disk); echo 2M >devices/d/capacity; stat -c %s $LAB/image; cat devices/d/capacity
        truncate -s 3M $LAB/image; echo 0 >devices/d/capacity; cat devices/d/capacity
        """)
      #expect(outcome.text == "2097152\n2097152\n3145728\n")
    }

    @Test("A smaller one is refused with EBUSY and a sentence, and nothing is cut off")
    func shrinks() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        \(disk); echo 512K >devices/d/capacity; cat devices/d/capacity; stat -c %s $LAB/image
        reason devices/d/last_error
        """)
      #expect(
        outcome.text == """
          echo: write error: Device or resource busy
          1048576
          1048576
          a live disk can only grow; it has 2048 sectors

          """)
    }

    @Test("The file that is open grows, not another one that has taken its name")
    func replaced() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        \(disk); mv $LAB/image $LAB/old; truncate -s 1M $LAB/image
        echo 2M >devices/d/capacity; stat -c %s $LAB/old $LAB/image
        """)
      #expect(outcome.text == "2097152\n1048576\n")
    }
  }
}
