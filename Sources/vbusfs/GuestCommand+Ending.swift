import ArgumentParser
import Control
import LinuxSystem
import Synchronization
import VbusClient

/// The signal that is to end this command; 0 for none.
private let endingSignal = Atomic<Int32>(0)

/// Who ends a guest with SIGINT or SIGTERM lets it say goodbye to the bus.
extension GuestCommand {
  /// From here on such a signal only has `awaited` end; whoever does not ask is ended all the same.
  func noticeSignals() throws {
    do throws(Errno) {
      let signals = try signalDescriptor([Signal.interrupt, Signal.terminate])
      _ = try Thread {
        _ = wait(on: signals, milliseconds: -1)
        guard let signal = readSignal(signals) else { return }
        endingSignal.store(signal, ordering: .relaxed)
        pause(milliseconds: 1000)
        GuestCommand.exit(withError: ExitCode(128 + signal))
      }
    } catch { throw Failure("signals cannot be waited for: \(error.text)") }
  }

  /// Ends the command when it is to end.
  func checkSignals() throws {
    let signal = endingSignal.load(ordering: .relaxed)
    guard signal == 0 else { throw ExitCode(128 + signal) }
  }

  /// Waits for something with `body`, which waits for so many milliseconds; nil when none came in
  /// time.
  func awaited<Value>(
    until deadline: Deadline, _ body: (_ milliseconds: Int32) throws(BusError) -> Value?
  ) throws -> Value? {
    while true {
      try checkSignals()
      let rest = deadline.rest
      let value = try told(id == nil ? socket : deviceName) { () throws(BusError) in
        try body(rest < 0 ? Self.stepMilliseconds : min(rest, Self.stepMilliseconds))
      }
      if let value { return value }
      if deadline.hasPassed { return nil }
    }
  }

  private static let stepMilliseconds: Int32 = 100
}
