package import LinuxSystem

/// The two ends of a stream that a program has: where it reads, and where it writes. A socket or
/// terminal is both.
package struct StreamEnds: Sendable {
  package let input: Descriptor
  package let output: Descriptor

  package init(input: Descriptor, output: Descriptor) {
    self.input = input
    self.output = output
  }

  package init(_ both: Descriptor) { self.init(input: both, output: both) }
}
