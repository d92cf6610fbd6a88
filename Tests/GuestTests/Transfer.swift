import LinuxSystem
import TestSupport

/// 50 MB each way at once, between a guest and the host over a tap, or between two guests over a
/// switch; the four checksums, for the tests to judge.
struct Transfer {
  let sent: String
  let arrived: String
  let answered: String
  let received: String
  let report: Guest.Report

  /// With the host; `during` happens while the bytes are on their way.
  init(
    under machine: Machine, with card: Lab.Card, in lab: Lab, during: () throws -> Void = {}
  ) throws {
    let host = try HostScript(
      """
      mkdir $LAB/served
      head -c 52428800 /dev/urandom >$LAB/served/data
      exec busybox httpd -f -p 5001 -h $LAB/served
      """, in: lab)
    let commands = [Commands.network(), Commands.transfers(with: 1)]
    let guest = try Guest(
      machine, on: [card.device], running: commands.joined(separator: "\n"), in: lab)
    try guest.awaitLine("ready")
    let fetch = try HostScript(
      #"""
      exec 3<>/dev/tcp/10.9.0.2/5001
      printf 'GET /data HTTP/1.0\r\n\r\n' >&3
      sed '1,/^\r$/d' <&3 | sha256sum
      sha256sum <$LAB/served/data
      """#, in: lab)
    try guest.say("go")
    try during()
    let lines = try fetch.finish(seconds: 120).lines
    try guest.awaitLine("done", seconds: 120)
    try guest.say("end")
    report = try guest.finish()
    host.end()
    sent = report.value("sent") ?? "not sent"
    arrived = String((lines.first ?? "did not arrive").prefix(64))
    answered = String((lines.last ?? "not answered").prefix(64))
    received = report.value("received") ?? "not received"
  }

  /// Between two guests of User-Mode Linux, which also ping each other.
  init(
    between card: Lab.Card, and partnerCard: Lab.Card, in lab: Lab
  ) throws {
    let guest = try Guest(
      .userModeLinux, on: [card.device],
      running: [Commands.network(2), Commands.transfers(with: 1), Commands.ping(1)]
        .joined(separator: "\n"), in: lab)
    let partner = try Guest(
      .userModeLinux, on: [partnerCard.device],
      running: [Commands.network(1), Commands.transfers(with: 2)].joined(separator: "\n"), in: lab)
    for each in [guest, partner] { try each.awaitLine("ready") }
    for each in [guest, partner] { try each.say("go") }
    for each in [guest, partner] { try each.awaitLine("done", seconds: 120) }
    try guest.say("end")
    report = try guest.finish()
    try partner.say("end")
    let partnerReport = try partner.finish()
    sent = report.value("sent") ?? "not sent"
    arrived = partnerReport.value("received") ?? "did not arrive"
    answered = partnerReport.value("sent") ?? "not answered"
    received = report.value("received") ?? "not received"
  }
}
