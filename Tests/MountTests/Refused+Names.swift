/// Names and places that are refused.
extension Refused {
  static let ofNames = names + places + fixtures + lives

  private static let malformed =
    "the name is empty, starts with a dot, or has a control character or bytes that are no UTF-8"
  private static let made = "nothing of this kind can be made here"
  private static let fixed = "this belongs to the tree and cannot be removed or renamed by itself"

  private static let names = [
    Refused(
      "leading dot", "mkdir devices/.d",
      "mkdir: cannot create directory 'devices/.d': Invalid argument", malformed),
    Refused(
      "control character", #"mkdir devices/$'a\tb'"#,
      #"mkdir: cannot create directory 'devices/a\tb': Invalid argument"#, malformed),
    Refused(
      "delete character in a container's name", #"mkdir containers/$'a\177'"#,
      #"mkdir: cannot create directory 'containers/a\177': Invalid argument"#, malformed),
    Refused(
      "no UTF-8", #"mkdir devices/$'\xff'"#,
      #"mkdir: cannot create directory 'devices/\377': Invalid argument"#, malformed),
    Refused(
      "65 bytes", "mkdir devices/$(printf %065d 0)",
      "mkdir: cannot create directory 'devices/\(String(repeating: "0", count: 65))': "
        + "File name too long", "the name has 65 bytes; 64 is the most"),
    Refused(
      "device renamed over another", after: "mkdir devices/d devices/e",
      "mv -T devices/d devices/e", "mv: cannot move 'devices/d' to 'devices/e': File exists",
      "the name is taken"),
    Refused(
      "device renamed to a bad name", after: "mkdir devices/d", "mv devices/d devices/.d",
      "mv: cannot move 'devices/d' to a subdirectory of itself, 'devices/.d'", malformed),
  ]

  private static let places = [
    Refused(
      "directory at the root", "mkdir d",
      "mkdir: cannot create directory 'd': Operation not permitted", made),
    Refused(
      "directory in a device", after: "disk d", "mkdir devices/d/x",
      "mkdir: cannot create directory 'devices/d/x': Operation not permitted", made),
    Refused(
      "directory in ids", after: "mkdir containers/c", "mkdir containers/c/ids/7",
      "mkdir: cannot create directory 'containers/c/ids/7': Operation not permitted", made),
    Refused(
      "link at the root", after: "disk d", "ln -s devices/d d",
      "ln: failed to create symbolic link 'd': Operation not permitted", made),
    Refused(
      "link in a device", after: "disk d", "ln -s ../d devices/d/x",
      "ln: failed to create symbolic link 'devices/d/x': Operation not permitted", made),
    Refused(
      "device moved among containers", after: "disk d", "mv devices/d containers/",
      "mv: cannot move 'devices/d' to 'containers/d': Operation not permitted",
      "this can be renamed only within its own directory"),
  ]

  private static let fixtures = [
    Refused(
      "rmdir of devices", "rmdir devices",
      "rmdir: failed to remove 'devices': Operation not permitted", fixed),
    Refused(
      "rmdir of features", after: "disk d", "rmdir devices/d/features",
      "rmdir: failed to remove 'devices/d/features': Operation not permitted", fixed),
    Refused(
      "rmdir of a container's devices", after: "mkdir containers/c",
      "rmdir containers/c/devices",
      "rmdir: failed to remove 'containers/c/devices': Operation not permitted", fixed),
    Refused(
      "rm of a file", "rm version", "rm: cannot remove 'version': Operation not permitted",
      fixed),
    Refused(
      "rm of the link to the socket", after: "disk d", "rm devices/d/socket",
      "rm: cannot remove 'devices/d/socket': Operation not permitted", fixed),
    Refused(
      "mv of a file", "mv version v",
      "mv: cannot move 'version' to 'v': Operation not permitted", fixed),
  ]

  private static let lives = [
    Refused(
      "rmdir of a device that is plugged in", after: "live d", "rmdir devices/d",
      "rmdir: failed to remove 'devices/d': Device or resource busy",
      "the device is plugged into containers/lab"),
    Refused(
      "rmdir of a container with a link", after: "disk d; plug d", "rmdir containers/lab",
      "rmdir: failed to remove 'containers/lab': Directory not empty",
      "1 device(s) are plugged into this container"),
    Refused(
      "mv of a live device", after: "live d", "mv devices/d devices/e",
      "mv: cannot move 'devices/d' to 'devices/e': Device or resource busy",
      "the device is live: enabled, and plugged into a container"),
    Refused(
      "world-writable file", after: "disk d", "chmod o+w devices/d/serial",
      "chmod: changing permissions of 'devices/d/serial': Operation not permitted",
      "a file that everybody may write is a way in for everybody"),
  ]
}
