/// Values that are refused.
extension Refused {
  static let ofValues = types + paths + files + values + masks

  private static let invalid = "echo: write error: Invalid argument"
  private static let missing = "echo: write error: No such file or directory"
  private static let loop = "echo: write error: Too many levels of symbolic links"
  private static let enable = "echo 1 >devices/d/enabled"

  private static let types = [
    Refused(
      "unknown type", after: "mkdir devices/d", "echo tape >devices/d/type", missing,
      "there is no such device class"),
    Refused(
      "another type", after: "disk d", "echo net >devices/d/type", invalid,
      "the device is a blk already, and a type is written once"),
    Refused(
      "the same type again", after: "disk d", "echo blk >devices/d/type", invalid,
      "the device is a blk already, and a type is written once"),
  ]

  private static let paths = [
    Refused(
      "relative path", after: "disk d", "echo vm0.img >devices/d/path", invalid,
      "the value is not understood or out of range"),
    Refused(
      "path into this tree", after: "disk d", "echo $LAB/tree/version >devices/d/path", loop,
      "the path leads into this tree itself"),
    Refused(
      "path into this tree by a link on the way",
      after: "ln -s tree $LAB/other; disk_on $LAB/other/version", enable, loop,
      "$LAB/other/version leads into this tree itself"),
    Refused(
      "path into this tree by a detour", after: "disk_on $LAB/run/../tree/version", enable, loop,
      "$LAB/run/../tree/version leads into this tree itself"),
    Refused(
      "missing file", after: "disk_on $LAB/none", enable, missing,
      "$LAB/none could not be found: No such file or directory"),
    Refused(
      "symbolic link as last component",
      after: "truncate -s 1M $LAB/img; ln -s img $LAB/link; disk_on $LAB/link", enable, loop,
      "$LAB/link is a symbolic link, which is not followed"),
  ]

  private static let files = [
    Refused(
      "directory", after: "disk_on $LAB", enable, "echo: write error: Is a directory",
      "$LAB is a directory"),
    Refused(
      "directory for a console's output",
      after: """
        mkdir devices/d; echo console >devices/d/type; echo file >devices/d/backend
        echo $LAB >devices/d/path
        """, enable, "echo: write error: Is a directory", "$LAB is a directory"),
    Refused(
      "FIFO", after: "mkfifo $LAB/fifo; disk_on $LAB/fifo", enable, invalid,
      "$LAB/fifo is a FIFO"),
    Refused(
      "character device", after: "disk_on /dev/zero", enable, invalid,
      "/dev/zero is a character device"),
    Refused(
      "empty file", after: ": >$LAB/empty; disk_on $LAB/empty", enable, invalid,
      "$LAB/empty is empty and capacity is 0"),
    Refused(
      "file that is not a multiple of the block size",
      after: "truncate -s 1000 $LAB/odd; disk_on $LAB/odd", enable, invalid,
      "the 1000 bytes of $LAB/odd are not a multiple of block_size 512"),
    Refused(
      "no path", after: "mkdir devices/d; echo blk >devices/d/type", enable, invalid,
      "path is not set, and backend is file"),
    Refused(
      "memory without capacity", after: "disk d; echo 0 >devices/d/capacity", enable, invalid,
      "capacity is not set, and backend memory has no size of its own"),
  ]

  private static let values = [
    Refused(
      "capacity that is not a multiple of 512", after: "disk d",
      "echo 1000 >devices/d/capacity", invalid, "the value is not understood or out of range"),
    Refused(
      "capacity that is not a multiple of the block size",
      after: "disk d; echo 4096 >devices/d/block_size; echo 512 >devices/d/capacity", enable,
      invalid, "capacity is not a multiple of block_size"),
    Refused(
      "serial of 21 characters", after: "disk d", "echo 123456789012345678901 >devices/d/serial",
      invalid, "the value is not understood or out of range"),
    Refused(
      "number out of range", after: "disk d", "echo 65 >devices/d/num_queues", invalid,
      "the value is not understood or out of range"),
    Refused(
      "neither 0 nor 1", after: "disk d", "echo 2 >devices/d/enabled", invalid,
      "the value is not understood or out of range"),
    Refused(
      "a byte that is no text", after: "disk d", #"echo $'\xff' >devices/d/serial"#, invalid,
      "the value holds a newline, a NUL or bytes that are no UTF-8"),
    Refused(
      "two lines", after: "disk d", #"/bin/echo -e 'a\nb' >devices/d/serial"#,
      "/bin/echo: write error: Invalid argument",
      "the value holds a newline, a NUL or bytes that are no UTF-8"),
    Refused(
      "nothing but a newline for a number", after: "disk d", "echo >devices/d/capacity", invalid,
      "the value is not understood or out of range"),
    Refused(
      "more than 4096 bytes", after: "disk d",
      "printf %5000s | dd bs=5000 iflag=fullblock of=devices/d/serial status=none",
      "dd: error writing 'devices/d/serial': File too large", "the value has more than 4096 bytes"
    ),
    Refused(
      "frozen while enabled", after: "disk d; echo 1 >devices/d/enabled",
      "echo 4096 >devices/d/block_size", "echo: write error: Device or resource busy",
      "this can be written only while the device is not enabled"),
    Refused(
      "file that can only be read", after: "disk d", "echo 1 >devices/d/status",
      "echo: write error: Permission denied", "this file can only be read"),
  ]

  private static let masks = [
    Refused(
      "mask without version_1", after: "disk d", "echo 0x1 >devices/d/features/mask", invalid,
      "without version_1 no guest of today could drive the device"),
    Refused(
      "version_1 switched off", after: "disk d", "echo 0 >devices/d/features/bits/version_1",
      invalid, "without version_1 no guest of today could drive the device"),
    Refused(
      "mask in decimal", after: "disk d", "echo 4294967296 >devices/d/features/mask", invalid,
      "the value is not understood or out of range"),
  ]
}
