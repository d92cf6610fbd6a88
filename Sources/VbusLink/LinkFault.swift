/// What ends a client's connection. All else that a client can do wrong is answered with an errno.
package enum LinkFault: Error, Hashable, Sendable {
  /// Too short to have a verb and a tag: there is nothing to answer to.
  case noHeader(Int)

  /// What to tell a person.
  package var sentence: String {
    switch self {
    case .noHeader(let count): "a message of \(count) bytes has no verb"
    }
  }
}
