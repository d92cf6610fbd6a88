internal import LinuxSystem

/// Frames of 64 bytes between cards of one thread, without a front end or a wait: what a frame costs
/// the engine.
///
///     NetBench loopback|switch BATCHES      nanoseconds per frame, out of one queue and into another
@main
enum NetBench {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 2, let backend = arguments.first, let batches = Int(arguments[2])
    else { throw Misuse() }
    let wires = try Wires(backend)
    let start = monotonicNanoseconds()
    for _ in 0..<batches { try wires.turn() }
    let spent = monotonicNanoseconds() - start
    print(Double(spent) / Double(batches * Wires.batch * wires.cards.count))
  }
}

struct Misuse: Error {}
/// Not all frames came.
struct Lost: Error {}
