package import LinuxSystem

/// The two ends of a stream that a program has: where it reads, and where it writes. A socket or
/// terminal is both.
package struct StreamEnds: Sendable {
  package let input: Descriptor
  package let output: Descriptor
  /// What is at the other end, when this process started it.
  package let command: StreamCommand?

  package init(input: Descriptor, output: Descriptor, command: StreamCommand? = nil) {
    self.input = input
    self.output = output
    self.command = command
  }

  package init(_ both: Descriptor) { self.init(input: both, output: both) }
}
