import ArgumentParser
import Control
import LinuxSystem

/// `vbusfs wait`: returns when a file of the tree has a value.
struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Wait until a file of the tree has a value.")

  @Argument(help: "The file, devices/disk0/status for example.")
  var path: String

  @Argument(help: "The value to wait for.")
  var value: String

  @Option(help: "Give up after so many seconds, with exit status 1. (default: never)")
  var timeout: Double?

  func validate() throws {
    guard let timeout else { return }
    guard timeout >= 0, timeout < 1e9 else {
      throw ValidationError("--timeout takes seconds, 0 or more")
    }
  }

  func run() throws {
    let file = try opened()
    let deadline = timeout.map { monotonicNanoseconds() + UInt64($0 * 1e9) }
    while true {
      let present = try text(of: file)
      if present == value { return }
      guard let deadline else {
        _ = wait(for: .urgent, on: file, milliseconds: -1)
        continue
      }
      let now = monotonicNanoseconds()
      guard now < deadline else {
        throw Failure("\(path) is \(present), not \(value), after \(timeout ?? 0) seconds")
      }
      let rest = Int32(clamping: (deadline - now + 999_999) / 1_000_000)
      _ = wait(for: .urgent, on: file, milliseconds: rest)
    }
  }

  private func text(of file: Descriptor) throws -> String {
    do throws(Errno) {
      return String(decoding: try readAgain(file, upTo: 65_536), as: UTF8.self).trimmed
    } catch {
      throw Failure(
        error == .noEntry ? "\(path) is gone" : "\(path) cannot be read: \(error.text)")
    }
  }

  private func opened() throws -> Descriptor {
    do { return try open(path, .readOnly) } catch {
      throw Failure("\(path) cannot be opened: \(error.text)")
    }
  }
}
