import ArgumentParser
import Control
import LinuxSystem
import VbusClient

/// `vbusfs guest send`: frames as lines of hexadecimal digits.
struct GuestSend: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Send Ethernet frames, which are lines of hexadecimal digits on standard input.")

  @OptionGroup var device: GuestDevice

  @Option(help: "Then print so many frames that come in.")
  var receive = 0

  @OptionGroup var patience: GuestPatience

  func run() throws {
    // First, so that a line that is no frame has touched nothing.
    let frames = try Self.frames()
    let connection = try device.opened(type: VenetDevice.interfaceType)
    let card = try told(device.name) { () throws(BusError) in
      let card = try VenetDevice(connection)
      try card.linkUp()
      return card
    }
    let start = monotonicNanoseconds()
    for frame in frames { try send(frame, to: card, start) }
    guard try told(device.name, { () throws(BusError) in try card.flush(milliseconds: 10_000) })
    else { throw Failure("\(device.name): the device took not all frames within 10 seconds") }
    try print(receive, of: card, device, patience, since: start)
    try told(device.name) { () throws(BusError) in try card.linkDown() }
  }

  private static func frames() throws -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while let line = readLine() {
      guard !line.isEmpty else { continue }
      guard let frame = bytes(hexadecimal: line), frame.count >= 14 else {
        throw Failure(
          "\"\(line.prefix(40))\" is no Ethernet frame: 14 bytes or more in hexadecimal")
      }
      frames.append(frame)
    }
    return frames
  }

  private func send(_ frame: [UInt8], to card: VenetDevice, _ start: UInt64) throws {
    let isSent = try told(device.name) { () throws(BusError) in
      if try card.send(frame) { return true }
      // All buffers are with the device.
      guard try card.flush(milliseconds: 10_000) else { return false }
      return try card.send(frame)
    }
    guard isSent else { throw Failure("\(device.name): a frame was not taken") }
  }
}

/// `vbusfs guest receive`: frames as lines of hexadecimal digits.
struct GuestReceive: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "receive",
    abstract: "Print the Ethernet frames that come in, as lines of hexadecimal digits.")

  @OptionGroup var device: GuestDevice

  @Option(help: "End after so many frames. (default: never)")
  var count: Int?

  @OptionGroup var patience: GuestPatience

  func run() throws {
    let connection = try device.opened(type: VenetDevice.interfaceType)
    let card = try told(device.name) { () throws(BusError) in
      let card = try VenetDevice(connection)
      try card.linkUp()
      return card
    }
    try print(count, of: card, device, patience, since: monotonicNanoseconds())
  }
}

/// Prints frames as they come; nil for all of them. A failure when fewer came in time.
private func print(
  _ count: Int?, of card: VenetDevice, _ device: GuestDevice, _ patience: GuestPatience,
  since start: UInt64
) throws {
  let output = GuestOutput()
  var printed = 0
  while count == nil || printed < count ?? 0 {
    let frame = try told(device.name) { () throws(BusError) in
      try card.receive(milliseconds: patience.rest(since: start))
    }
    guard let frame else {
      guard let count else { return }
      throw Failure("\(device.name): \(printed) of \(count) frames came in time")
    }
    try output.line(hexadecimal(frame))
    printed += 1
  }
}

/// `vbusfs guest read`: bytes of a disk.
struct GuestRead: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Write bytes of a disk to standard output.")

  @OptionGroup var device: GuestDevice

  @Option(help: "The first byte.")
  var offset: UInt64 = 0

  @Option(help: "How many bytes. (default: up to the end)")
  var count: UInt64?

  /// So much is read before it is written.
  private static let step: UInt64 = 1 << 20

  func run() throws {
    let connection = try device.opened()
    let disk = try told(device.name) { () throws(BusError) in try VirtioDisk(connection) }
    guard offset <= disk.capacity, count ?? 0 <= disk.capacity - offset else {
      throw Failure("\(device.name) has \(disk.capacity) bytes")
    }
    let end = offset + (count ?? disk.capacity - offset)
    let output = GuestOutput()
    var place = offset
    while place < end {
      let length = min(Self.step, end - place)
      try output.bytes(
        told(device.name) { () throws(BusError) in
          try disk.read(offset: place, count: Int(length))
        })
      place += length
    }
  }
}

/// Two digits a byte; nil for anything else. Spaces and colons between bytes are passed over.
func bytes(hexadecimal text: String) -> [UInt8]? {
  let digits = text.filter { !$0.isWhitespace && $0 != ":" }
  guard digits.count % 2 == 0 else { return nil }
  var bytes: [UInt8] = []
  var rest = digits[...]
  while !rest.isEmpty {
    let pair = rest.prefix(2)
    guard pair.allSatisfy(\.isHexDigit), let byte = UInt8(pair, radix: 16) else { return nil }
    bytes.append(byte)
    rest = rest.dropFirst(2)
  }
  return bytes
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
