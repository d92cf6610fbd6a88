/// Links into a container that are refused.
extension Refused {
  private static let failed = "ln: failed to create symbolic link 'containers/c/devices/x': "

  static let ofLinks = [
    Refused(
      "device without a type", after: "mkdir containers/c devices/d",
      "ln -s ../../../devices/d containers/c/devices/x", "\(failed)Invalid argument",
      "the device has no type yet"),
    Refused(
      "device that is not there", after: "mkdir containers/c",
      "ln -s ../../../devices/d containers/c/devices/x", "\(failed)No such file or directory",
      "the device that the link names does not exist"),
    Refused(
      "file of the tree", after: "mkdir containers/c",
      "ln -s ../../../version containers/c/devices/x", "\(failed)Invalid argument",
      "the target of the link is not a device of this tree"),
    Refused(
      "file of a device", after: "mkdir containers/c; disk d",
      "ln -s $LAB/tree/devices/d/type containers/c/devices/x", "\(failed)Invalid argument",
      "the target of the link is not a device of this tree"),
    Refused(
      "file outside", after: "mkdir containers/c", "ln -s /etc/passwd containers/c/devices/x",
      "\(failed)Operation not permitted", "the target of the link lies outside this tree"),
    Refused(
      "device in another container", after: "mkdir containers/c; live d",
      "ln -s ../../../devices/d containers/c/devices/x", "\(failed)Device or resource busy",
      "the device is plugged into containers/lab"),
    Refused(
      "device in this container",
      after: "mkdir containers/c; disk d; ln -s devices/d containers/c/devices/d",
      "ln -s ../../../devices/d containers/c/devices/x", "\(failed)Device or resource busy",
      "the device is plugged into containers/c"),
  ]
}
