internal import Glibc

/// Lets a write to a pipe that nobody reads fail with EPIPE, and not end the process (SIGPIPE).
package func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }
