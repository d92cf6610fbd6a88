extension Refusal {
  /// Why, in a sentence for a person who wonders what went wrong.
  package var reason: String {
    switch self {
    case .nameTooLong(let count):
      "the name has \(count) bytes; \(Name.byteCountMax) is the most"
    case .nameMalformed:
      "the name is empty, starts with a dot, or has a control character or bytes that are no UTF-8"
    case .nameTaken: "the name is taken"
    case .socketPathTooLong(let count, let most):
      "the path of its socket would have \(count) bytes; a UNIX socket takes \(most)"
    case .noSuchEntry: "there is no such file or directory"
    case .notADirectory: "this is not a directory"
    case .isADirectory: "this is a directory"
    case .fixedEntry: "this belongs to the tree and cannot be removed or renamed by itself"
    case .notMadeHere: "nothing of this kind can be made here"
    case .movesElsewhere: "this can be renamed only within its own directory"
    case .tooManyObjects: "the tree holds as many objects as it can"
    case .linkTargetOutside: "the target of the link lies outside this tree"
    case .linkTargetNoDevice: "the target of the link is not a device of this tree"
    case .linkTargetMissing: "the device that the link names does not exist"
    case .linkTargetUntyped: "the device has no type yet"
    case .linkTargetOfOther: "the device belongs to others, and plugging it in changes it"
    case .pluggedIn(let container): "the device is plugged into containers/\(container)"
    case .holdsLinks(let count): "\(count) device(s) are plugged into this container"
    case .live: "the device is live: enabled, and plugged into a container"
    case .idsUsedUp: "all 2^32 dev-ids of this container were given, and none is given twice"
    case .ofProcess: "this is there only while the process is attached"
    case .tooManySessions(let most): "the user has \(most) sessions already"
    case .sessionIsFull(let most): "the session has \(most) devices already"
    case .classNotForSessions: "devices of this class are not made by sessions"
    default: valueReason
    }
  }

  private var valueReason: String {
    switch self {
    case .unknownClass: "there is no such device class"
    case .alreadyTyped(let name): "the device is a \(name) already, and a type is written once"
    case .readOnlyFile: "this file can only be read"
    case .windowClosed(.offline): "this can be written only while the device is not enabled"
    case .windowClosed(.untilOpen): "this can be written only while no guest is attached"
    case .windowClosed(.live), .windowClosed(.never): "this file can only be read"
    case .malformed: "the value is not understood or out of range"
    case .notText: "the value holds a newline, a NUL or bytes that are no UTF-8"
    case .valueTooLong(let most): "the value has more than \(most) bytes"
    case .valueInParts: "the value came in several writes; one write is one value"
    case .openedByOther: "who writes has other rights than who opened the file"
    case .pathInOwnTree: "the path leads into this tree itself"
    case .maskLacksVersion1: "without version_1 no guest of today could drive the device"
    case .worldWritable: "a file that everybody may write is a way in for everybody"
    case .missing(let attribute, let because): "\(attribute) is not set, and \(because)"
    case .notMultiple(let attribute, let other): "\(attribute) is not a multiple of \(other)"
    case .excludes(let attribute, let other): "\(attribute) and \(other) do not go together"
    case .taken(let attribute, let device):
      "devices/\(device), live in the same container, has the same \(attribute)"
    case .host(let refusal): refusal.reason
    case .notStored: "the change could not be stored"
    case .interrupted: "who asked was interrupted before it was done, and nothing was changed"
    default: ""
    }
  }

  /// What would have been accepted; empty where nothing would.
  package var accepted: String {
    switch self {
    case .nameTooLong, .nameMalformed:
      "1 to \(Name.byteCountMax) bytes of UTF-8 without /, control characters or a leading dot"
    case .nameTaken: "another name"
    case .socketPathTooLong(let count, let most): "a name shorter by \(count - most) bytes"
    case .fixedEntry: "rmdir of the device or container it belongs to"
    case .notMadeHere:
      "mkdir in devices/ and containers/, ln -s in containers/<container>/devices/"
    case .movesElsewhere: "a new name in the same directory"
    case .linkTargetOutside, .linkTargetNoDevice, .linkTargetMissing:
      "../../../devices/<device>, or any other path that ends in devices/<device>"
    case .linkTargetUntyped: "a device whose type was written, one of classes/"
    case .linkTargetOfOther: "a device whose directory the caller may write to"
    case .pluggedIn(let container): "first rm of its link in containers/\(container)/devices/"
    case .holdsLinks: "first rm of each link in devices/"
    case .live: "first echo 0 > enabled, or rm of its link"
    case .ofProcess: "chmod and chown of the container's directory"
    case .tooManySessions: "first end one"
    case .sessionIsFull: "first remove one"
    case .classNotForSessions(let accepted): accepted
    case .unknownClass(let accepted), .malformed(let accepted): accepted
    case .windowClosed(.offline): "first echo 0 > enabled"
    case .windowClosed(.untilOpen): "first detach the guest, or echo 0 > enabled"
    case .notText: "one line of text; the newline at its end may be left out"
    case .valueInParts: "the whole value in one write"
    case .openedByOther: "a file opened by who writes to it, as tee(1) does"
    case .pathInOwnTree: "a file of another file system"
    case .maskLacksVersion1: "a mask with bit 32, 0x100000000, set"
    case .worldWritable: "a mode without o+w; chgrp and g+w let a group in"
    case .missing(let attribute, _): "first write \(attribute)"
    case .taken(let attribute, _): "another \(attribute), or another container"
    case .host(let refusal): refusal.accepted
    default: ""
    }
  }
}
