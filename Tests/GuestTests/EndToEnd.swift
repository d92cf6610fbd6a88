import Testing

/// All that mounts a tree or boots a guest, one after the other: the machine has few processors,
/// and a guest that waits for its turn would look like one that hangs.
@Suite("End to end", .serialized, .enabled(if: Gate.programs.isOpen, Gate.programs.reason))
enum EndToEnd {}
