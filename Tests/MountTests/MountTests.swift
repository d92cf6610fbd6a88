import TestSupport
import Testing

/// The whole program, as a person at a shell meets it: each test has a mount of its own.
@Suite("The tree through a real mount", .needs(.programs, .fuse, .fusermount))
enum MountTests {}
