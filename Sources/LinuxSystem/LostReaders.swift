internal import Glibc

/// Lets writing to a pipe or socket that nobody reads answer EPIPE, and a file that outgrows a
/// limit EFBIG, instead of ending this process. Programs that it starts are not affected.
///
/// A peer chooses what its doorbells are: a pipe whose other end it closes must harm nobody else.
package func ignoreLostReaders() {
  _ = signal(SIGPIPE, SIG_IGN)
  _ = signal(SIGXFSZ, SIG_IGN)
}
