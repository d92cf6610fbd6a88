import Control
import VbusClient

/// Frames are lines of hexadecimal digits.
extension GuestCommand {
  private static let patienceMilliseconds: Int32 = 10_000

  func send(_ frames: [[UInt8]], _ client: BusClient) throws {
    let card = try linkedCard(on: client)
    let deadline = deadline
    for frame in frames { try send(frame, to: card) }
    let isFlushed = try told(deviceName) { () throws(BusError) in
      try card.flush(milliseconds: Self.patienceMilliseconds)
    }
    guard isFlushed else {
      throw Failure("\(deviceName): the device took not all frames within 10 seconds")
    }
    try print(receive ?? 0, of: card, until: deadline)
    try told(deviceName) { () throws(BusError) in try card.linkDown() }
  }

  func receiveFrames(_ client: BusClient) throws {
    try print(count, of: linkedCard(on: client), until: deadline)
  }

  private func linkedCard(on client: BusClient) throws -> VenetDevice {
    let connection = try opened(
      on: client, type: VenetDevice.interfaceType, kind: "network card")
    return try told(deviceName) { () throws(BusError) in
      let card = try VenetDevice(connection)
      try card.linkUp()
      return card
    }
  }

  /// Of standard input.
  static func frames() throws -> [[UInt8]] {
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

  private func send(_ frame: [UInt8], to card: VenetDevice) throws {
    let isSent = try told(deviceName) { () throws(BusError) in
      if try card.send(frame) { return true }
      // All buffers are with the device.
      guard try card.flush(milliseconds: Self.patienceMilliseconds) else { return false }
      return try card.send(frame)
    }
    guard isSent else { throw Failure("\(deviceName): a frame was not taken") }
  }

  /// Prints frames as they come; nil for all of them. A failure when fewer came in time.
  private func print(_ count: UInt64?, of card: VenetDevice, until deadline: Deadline) throws {
    let output = GuestOutput()
    var printed: UInt64 = 0
    while printed != count {
      let frame = try awaited(until: deadline) { (milliseconds) throws(BusError) in
        try card.receive(milliseconds: milliseconds)
      }
      guard let frame else {
        guard let count else { return }
        throw Failure("\(deviceName): \(printed) of \(count) frames came in time")
      }
      try output.line(hexadecimal(frame))
      printed += 1
    }
  }
}

/// Two digits a byte; nil for anything else. Spaces and colons between bytes are passed over.
private func bytes(hexadecimal text: String) -> [UInt8]? {
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

private func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
