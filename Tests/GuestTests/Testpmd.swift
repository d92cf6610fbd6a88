import LinuxSystem
import TestSupport

/// DPDK's testpmd as the driver of cards, which forwards frames between them and sends one back to
/// where it came from when there is one alone. Killed when nobody holds it any more.
final class Testpmd {
  /// What the driver has counted, of all its cards.
  struct Count: Equatable {
    var sent: UInt64
    var received: UInt64
  }

  private let pid: Int32
  private let output: Descriptor
  private let input: Descriptor
  private let cardCount: Int
  private var showings = 0
  private var hasEnded = false

  /// Attaches to cards, as their files `connect` say.
  init(on cards: [Lab.Card], _ options: String = "", in lab: Lab) throws {
    output = try open("\(lab.folder)/testpmd-\(monotonicNanoseconds())", [.readWrite, .create])
    let pipe = try makePipe()
    input = pipe.writing
    cardCount = cards.count
    let script = #"""
      exec <&3 >&4 2>&1 3>&- 4>&-
      options=$1; shift
      cards=(); for card; do cards+=("$(grep -e '^--vdev' "$card/connect")"); done
      # Each card's name is testpmd's own.
      for index in "${!cards[@]}"; do cards[index]=${cards[index]/user0/user$index}; done
      exec stdbuf --output=L dpdk-testpmd --no-huge -m 256 --no-pci --no-telemetry --no-shconf \
        "${cards[@]}" -- --interactive --total-num-mbufs=8192 $options
      """#
    pid = try spawn(
      "/bin/bash",
      ["-c", script, "bash", options] + cards.map { "\(lab.tree)/devices/\($0.name)" },
      environment: environmentTexts(), descriptors: [pipe.reading, output], newSession: true)
  }

  deinit {
    guard !hasEnded else { return }
    try? send(signal: Signal.kill, to: -pid)
    _ = try? awaitEnd(of: pid)
  }

  /// Types a command.
  func say(_ line: String) throws { try write(Array("\(line)\n".utf8), to: input) }

  /// What was sent and received since it has attached.
  func count() throws -> Count {
    showings += 1
    try say("show port stats all")
    return try awaitAnswer("testpmd's numbers after \(text.suffix(1000))") {
      let sent = numbers(after: "TX-packets:")
      let received = numbers(after: "RX-packets:")
      guard sent.count == showings * cardCount, received.count == sent.count else { return nil }
      return Count(
        sent: sent.suffix(cardCount).reduce(0, +),
        received: received.suffix(cardCount).reduce(0, +))
    }
  }

  /// Waits until so many frames more have come.
  func receive(_ more: UInt64) throws {
    let goal = try count().received + more
    _ = try awaitAnswer("\(more) frames more") { try count().received >= goal ? true : nil }
  }

  /// Stops forwarding, detaches and ends. What was sent and received then.
  func finish() throws -> Count {
    try say("stop")
    let last = try count()
    try say("quit")
    let ended = try awaitAnswer("testpmd's end") { reap(pid) }
    hasEnded = true
    guard ended.ending == .exited(0) else { throw Overdue(description: text) }
    return last
  }

  private var text: String {
    String(decoding: (try? readAgain(output, upTo: 1 << 20)) ?? [], as: UTF8.self)
  }

  /// Of the lines that show a port's statistics, which say no word of frames dropped.
  private func numbers(after word: String) -> [UInt64] {
    text.split(separator: "\n").filter { $0.contains(word) && !$0.contains("dropped") }
      .compactMap { line in
        let words = line.split(separator: " ")
        return words.firstIndex { $0 == word }.flatMap { UInt64(words[$0 + 1]) }
      }
  }
}
