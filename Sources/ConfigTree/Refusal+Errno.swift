internal import LinuxSystem
internal import Model

extension Refusal {
  /// The one table from refusals to error numbers.
  var errno: Errno {
    switch self {
    case .nameTooLong, .socketPathTooLong: .nameTooLong
    case .nameMalformed: .invalid
    case .nameTaken: .exists
    case .noSuchEntry, .linkTargetMissing, .unknownClass: .noEntry
    case .notADirectory: .notDirectory
    case .isADirectory: .isDirectory
    case .fixedEntry, .notMadeHere, .movesElsewhere, .linkTargetOutside, .worldWritable,
      .openedByOther, .ofProcess, .classNotForSessions:
      .notPermitted
    case .tooManyObjects, .idsUsedUp: .noSpace
    case .tooManySessions, .sessionIsFull: .quotaExceeded
    case .linkTargetNoDevice, .linkTargetUntyped: .invalid
    case .pluggedIn, .live, .windowClosed: .busy
    case .holdsLinks: .notEmpty
    case .readOnlyFile, .linkTargetOfOther: .accessDenied
    case .alreadyTyped, .malformed, .notText, .valueInParts, .maskLacksVersion1, .missing,
      .notMultiple, .excludes:
      .invalid
    case .taken: .addressInUse
    case .valueTooLong: .fileTooLarge
    case .pathInOwnTree: .tooManyLinks
    case .host(let refusal): Errno(rawValue: refusal.errno)
    case .notStored(let errno): Errno(rawValue: errno)
    case .interrupted: .interrupted
    }
  }
}
