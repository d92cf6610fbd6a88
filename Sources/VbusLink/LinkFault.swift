/// What ends a client's connection, or keeps it from being taken over. All else that a client can do wrong is answered with an errno.
package enum LinkFault: Error, Hashable, Sendable {
  /// Too short to have a verb and a tag: there is nothing to answer to.
  case noHeader(Int)
  /// A session cannot be restored; line 0 is the record as a whole.
  case malformedRecord(line: Int)

  /// What to tell a person.
  package var sentence: String {
    switch self {
    case .noHeader(let count): "a message of \(count) bytes has no verb"
    case .malformedRecord(let line): "line \(line) of the session's record is malformed"
    }
  }
}
