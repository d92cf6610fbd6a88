internal import Glibc

/// A thread for work that blocks, which Swift's own pool must not do.
package struct Thread: ~Copyable, Sendable {
  private let handle: pthread_t

  /// Starts a thread that runs `body`.
  package init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    var handle = pthread_t()
    // SAFETY: the box is retained here and released exactly once, by the thread that takes it.
    let box = unsafe Unmanaged.passRetained(ThreadBody(run: body))
    let answer = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    guard answer == 0 else {
      unsafe box.release()
      throw Errno(rawValue: answer)
    }
    self.handle = handle
  }

  /// Waits until the body has returned. A thread that nobody joins ends by itself all the same.
  package consuming func join() {
    // Once, for this consumes the thread, and nothing else detaches it.
    _ = pthread_join(handle, nil)
    discard self
  }

  deinit { pthread_detach(handle) }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(run: @escaping @Sendable () -> Void) { self.run = run }
}
