import Testing
import VbusClient

/// A way from a client to a device: a connector, and for streams what they go through.
enum Way: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case inProcess = "in-process"
  case socket = "UNIX socket"
  case stream = "stream"
  case singleBytes = "stream of single bytes"
  case cuts = "stream that is cut at random bytes"
  case tcp = "TCP on loopback"
  case terminal = "serial line"
  case twoStreams = "two streams in a row"
  case vhostUser = "vhost-user"
  /// Not in `all`: everything takes a hundred times as long.
  case slow = "stream that takes 100 milliseconds"

  var testDescription: String { rawValue }

  static let all = allCases.filter { $0 != .slow }
  /// Those on which the whole bus is seen, and not one device.
  static let buses = all.filter { $0 != .vhostUser }
  /// Those whose client outlives its engine.
  static let processes = all.filter { $0 != .inProcess }
  static let streams = buses.filter { $0 != .inProcess && $0 != .socket }

  /// What each is to say of itself: tests that need more are for the others.
  var capabilities: ConnectorCapabilities {
    switch self {
    case .inProcess, .socket:
      ConnectorCapabilities(
        ringFormats: [.ioq, .virtqueue], sharesMemory: true, hasOwnBells: true)
    case .vhostUser:
      ConnectorCapabilities(
        ringFormats: [.ioq, .virtqueue], sharesMemory: true, hasOwnBells: false)
    default:
      ConnectorCapabilities(
        ringFormats: [.ioq, .virtqueue], sharesMemory: false, hasOwnBells: false)
    }
  }
}

/// A way, and a ring format that travels on it.
struct WayOfRing: Sendable, CustomTestStringConvertible {
  let way: Way
  let format: RingFormat

  var testDescription: String { "\(way.rawValue), \(format)" }

  static let all = Way.all.flatMap { way in
    [RingFormat.ioq, .virtqueue].filter(way.capabilities.ringFormats.contains)
      .map { WayOfRing(way: way, format: $0) }
  }
  static let processes = all.filter { Way.processes.contains($0.way) }
}
