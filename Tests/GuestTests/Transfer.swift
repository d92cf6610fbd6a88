import LinuxSystem
import TestSupport

/// 50 MB each way between a guest and the host over a tap, or between two guests over a switch;
/// the four checksums, for the tests to judge.
struct Transfer {
  let sent: String
  let arrived: String
  let answered: String
  let received: String
  let report: Guest.Report

  /// With the host; `during` happens while the first half is on its way.
  init(
    under machine: Machine, with card: Lab.Card, in lab: Lab,
    during: (Guest) throws -> Void = { _ in }
  ) throws {
    let host = try HostScript(
      """
      head -c 52428800 /dev/urandom >$LAB/answer
      busybox nc -l -p 5002 <$LAB/answer &
      mkfifo $LAB/silence
      busybox nc -l -p 5001 0<>$LAB/silence | sha256sum
      wait
      sha256sum <$LAB/answer
      """, in: lab)
    let commands = [Commands.network(), "echo ready", Commands.transfers]
    let guest = try Guest(
      machine, on: [card.device], running: commands.joined(separator: "\n"), in: lab)
    try guest.awaitLine("ready")
    try during(guest)
    report = try guest.finish(seconds: 120)
    let lines = try host.finish().lines
    sent = report.value("sent") ?? "not sent"
    arrived = String((lines.first ?? "did not arrive").prefix(64))
    answered = String((lines.last ?? "not answered").prefix(64))
    received = report.value("received") ?? "not received"
  }

  /// Between two guests.
  init(
    from machine: Machine, with card: Lab.Card, to other: Machine, with partnerCard: Lab.Card,
    in lab: Lab
  ) throws {
    let partner = try Guest(
      other, on: [partnerCard.device],
      running: [Commands.network(1), Commands.partner].joined(separator: "\n"), in: lab)
    try partner.awaitLine("ready")
    let guest = try Guest(
      machine, on: [card.device],
      running: [Commands.network(), Commands.ping(), Commands.transfers]
        .joined(separator: "\n"), in: lab)
    report = try guest.finish(seconds: 120)
    let other = try partner.finish()
    sent = report.value("sent") ?? "not sent"
    arrived = other.value("received") ?? "did not arrive"
    answered = other.value("sent") ?? "not answered"
    received = report.value("received") ?? "not received"
  }
}
