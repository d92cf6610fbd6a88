/// A failure told to the user as one sentence.
package struct Failure: Error, CustomStringConvertible, Sendable {
  package let description: String
  package init(_ sentence: String) { description = sentence }
}
