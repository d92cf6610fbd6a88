internal import VbusLink

/// What a native client has set up by the functions of a card's own interface.
struct VenetState: Equatable {
  var scatterGather: VenetScatterGather = []
  var events: VenetEventKinds = []
  /// Frames pass.
  var isUp = false

  var framing: NetFraming { scatterGather.contains(.scatterGather) ? .scattered : .flat }

  private enum Word {
    static let granted = "granted"
    static let link = "link"
  }

  /// As lines for a successor; none when nothing is set up.
  var lines: [String] {
    var lines: [String] = []
    if !scatterGather.isEmpty { lines.append(Self.line(.scatterGather, scatterGather.rawValue)) }
    if !events.isEmpty { lines.append(Self.line(.events, events.rawValue)) }
    if isUp { lines.append("\(Word.link) 1") }
    return lines
  }

  private static func line(_ group: VenetGroup, _ bits: UInt32) -> String {
    "\(Word.granted) \(group.rawValue) \(bits)"
  }

  init() {}

  /// Reads a predecessor's lines; nil when they make no sense, or say that more was granted than
  /// there is.
  init?(_ lines: [String], of offer: VenetOffer) {
    for line in lines {
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      let numbers = words.dropFirst().compactMap { UInt32($0) }
      guard numbers.count == words.count - 1 else { return nil }
      switch (words.first.map(String.init), numbers.count) {
      case (Word.granted, 2):
        guard let group = VenetGroup(rawValue: numbers[0]),
          offer.granted(numbers[1], of: group) == numbers[1]
        else { return nil }
        grant(numbers[1], of: group)
      case (Word.link, 1):
        guard numbers[0] == 1, !isUp else { return nil }
        isUp = true
      default: return nil
      }
    }
  }

  mutating func grant(_ bits: UInt32, of group: VenetGroup) {
    switch group {
    case .scatterGather: scatterGather = VenetScatterGather(rawValue: bits)
    case .events: events = VenetEventKinds(rawValue: bits)
    case .largeReceive: break
    }
  }
}
