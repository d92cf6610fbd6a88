/// Why a change is refused. One case per cause; the sentences are in `Refusal+Text.swift`, the
/// error numbers where the tree meets the kernel.
package enum Refusal: Error, Hashable, Sendable {
  // Names.
  case nameTooLong(byteCount: Int)
  case nameMalformed
  case nameTaken
  case socketPathTooLong(byteCount: Int, byteCountMax: Int)
  // Places.
  case noSuchEntry
  case notADirectory
  case isADirectory
  /// It belongs to the tree, and goes only with what it belongs to.
  case fixedEntry
  /// Nothing of this kind is made in this directory.
  case notMadeHere
  case movesElsewhere
  case tooManyObjects
  // Links and lives.
  case linkTargetOutside
  case linkTargetNoDevice
  case linkTargetMissing
  case linkTargetUntyped
  case linkTargetOfOther
  case pluggedIn(container: String)
  case holdsLinks(count: Int)
  case live
  case idsUsedUp
  /// It is there only while a process is attached.
  case ofProcess
  // Sessions.
  case tooManySessions(countMax: Int)
  case sessionIsFull(countMax: Int)
  case classNotForSessions(accepted: String)
  // Values.
  case unknownClass(accepted: String)
  case alreadyTyped(String)
  case readOnlyFile
  case windowClosed(Window)
  case malformed(accepted: String)
  case notText
  case valueTooLong(byteCountMax: Int)
  case valueInParts
  /// Another user opened the file than writes to it.
  case openedByOther
  case pathInOwnTree
  case maskLacksVersion1
  case worldWritable
  // Values of one device that do not go together.
  case missing(attribute: String, because: String)
  case notMultiple(attribute: String, of: String)
  case excludes(attribute: String, other: String)
  /// A live device of the same container has the value.
  case taken(attribute: String, device: String)
  // The world around.
  case host(HostRefusal)
  case notStored(errno: Int32)
  case interrupted
}
