internal import CLinux
internal import Glibc

/// How a child process ended.
package enum Ending: Sendable, Equatable {
  case exited(Int32)
  case killed(signal: Int32)

  package var text: String {
    switch self {
    case .exited(let status): "exited with status \(status)"
    case .killed(let signal): "killed by signal \(signal)"
    }
  }
}

/// Signals by what they mean here, signal(7).
package enum Signal {
  package static let kill = SIGKILL
  package static let terminate = SIGTERM
  package static let interrupt = SIGINT
  package static let childEnded = SIGCHLD
  package static let hangUp = SIGHUP
  package static let quit = SIGQUIT
  package static let alarm = SIGALRM
  package static let stop = SIGSTOP
  package static let resume = SIGCONT
}

/// Starts a program. `descriptors` become 3, 4, 5, …; every other one above 2 is closed in it.
package func spawn(
  _ path: String, _ arguments: [String], environment: [String], descriptors: [Descriptor],
  newSession: Bool = false
) throws(Errno) -> Int32 {
  // SAFETY: strdup'ed strings and the arrays live until after the call.
  let argv = unsafe ([path] + arguments).map { unsafe strdup($0) }
  let envp = unsafe environment.map { unsafe strdup($0) }
  defer { unsafe (argv + envp).forEach { unsafe free($0) } }
  let numbers = descriptors.map(\.number)
  let answer = unsafe (argv + [nil]).withUnsafeBufferPointer { argv in
    unsafe (envp + [nil]).withUnsafeBufferPointer { envp in
      unsafe numbers.withUnsafeBufferPointer { fds in
        unsafe path.withCString { path in
          var child = unsafe linux_child(
            path: path, arguments: argv.baseAddress, environment: envp.baseAddress,
            descriptors: fds.baseAddress, descriptor_count: Int32(fds.count),
            new_session: newSession ? 1 : 0)
          return unsafe linux_spawn(&child)
        }
      }
    }
  }
  return try checked(answer)
}

/// Collects a child that has ended: `pid` one, or any with -1. `nil` when none has.
package func reap(_ pid: Int32 = -1) -> (pid: Int32, ending: Ending)? {
  var status: Int32 = 0
  // SAFETY: a live local.
  let ended = unsafe linux_reap(pid, &status)
  guard ended > 0 else { return nil }
  let signal = status & 0x7f
  return (ended, signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal))
}

package func send(signal: Int32, to pid: Int32) throws(Errno) {
  _ = try checked(linux_kill(pid, signal))
}

/// The environment of this process as `NAME=value` texts.
package func environmentTexts() -> [String] {
  var texts: [String] = []
  // SAFETY: the environment is a null-terminated list; nothing in this project changes it.
  guard var entry = unsafe linux_environment() else { return [] }
  while let text = unsafe entry.pointee {
    unsafe texts.append(String(cString: text))
    unsafe entry += 1
  }
  return texts
}

package func environmentValue(_ name: String) -> String? {
  environmentTexts().first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
}

/// The path of the running program, from /proc.
package func programPath() throws(Errno) -> String { try linkTarget("/proc/self/exe") }

/// Asks the kernel to send `signal` to this process when its parent ends.
package func endWithParent(signal: Int32 = Signal.terminate) throws(Errno) {
  _ = try checked(linux_end_with_parent(signal))
}

/// Raises the soft limit of open descriptors to the hard one.
package func raiseDescriptorLimit() throws(Errno) {
  _ = try checked(linux_raise_descriptor_limit())
}

/// Blocks these signals and answers a descriptor that reports them.
package func signalDescriptor(_ signals: [Int32]) throws(Errno) -> Descriptor {
  // SAFETY: the array lives for the call, with its own count.
  Descriptor(owning: try checked(unsafe linux_signal_descriptor(signals, Int32(signals.count))))
}

/// The next signal reported by a `signalDescriptor`; `nil` when none waits.
package func readSignal(_ descriptor: Descriptor) -> Int32? {
  let signal = linux_read_signal(descriptor.number)
  return signal > 0 ? signal : nil
}

/// Waits until a child has ended, and collects it.
package func awaitEnd(of pid: Int32) throws(Errno) -> Ending {
  var status: Int32 = 0
  // SAFETY: a live local.
  while unsafe waitpid(pid, &status, 0) < 0 {
    guard errno == EINTR else { throw Errno(rawValue: errno) }
  }
  let signal = status & 0x7f
  return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
}
