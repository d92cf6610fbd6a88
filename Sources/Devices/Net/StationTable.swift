/// Who is behind which port of a switch: learned from the frames they send, forgotten with time,
/// and never more than fit.
package struct StationTable {
  private struct Station: BitwiseCopyable {
    var address: UInt64 = 0
    var port = -1
    /// When it was heard last; `fixed` for an address that a port was configured with.
    var heard: UInt64 = 0

    static let fixed = UInt64.max

    func isHere(_ now: UInt64) -> Bool {
      port >= 0
        && (heard == Self.fixed || now &- heard < NetLimits.stationNanoseconds || heard > now)
    }
  }

  /// Sets of `ways` stations; an address is only ever in its own set.
  private var stations = [Station](repeating: Station(), count: NetLimits.stations)
  private static let ways = 4

  package init() {}

  /// Where the set of an address begins.
  private static func start(_ address: UInt64) -> Int {
    let sets = UInt64(NetLimits.stations / ways)
    return Int((address &* 0x9e37_79b9_7f4a_7c15) >> 32 % sets) * ways
  }

  /// The port behind which a station was heard of late.
  package func port(of address: UInt64, now: UInt64) -> Int? {
    let start = Self.start(address)
    for index in start..<(start + Self.ways) where stations[index].address == address {
      if stations[index].isHere(now) { return stations[index].port }
    }
    return nil
  }

  /// A frame came from this address. A group's address is nobody's, and what a port was configured
  /// with nobody else takes away by using it.
  package mutating func learn(_ address: UInt64, at port: Int, now: UInt64) {
    guard !isGroup(address), address != 0, let index = place(for: address, now) else { return }
    let isFixed = stations[index].heard == Station.fixed && stations[index].port >= 0
    guard !isFixed else { return }
    stations[index] = Station(address: address, port: port, heard: now)
  }

  /// A port has this address as long as it is there.
  package mutating func fix(_ address: UInt64, at port: Int) {
    guard let index = place(for: address, 0) else { return }
    stations[index] = Station(address: address, port: port, heard: Station.fixed)
  }

  /// Where an address is, or else where it belongs: a free place, else that of the station of its
  /// set that was heard longest ago. Nil when all places are fixed.
  private func place(for address: UInt64, _ now: UInt64) -> Int? {
    let start = Self.start(address)
    let set = start..<(start + Self.ways)
    for index in set where stations[index].port >= 0 && stations[index].address == address {
      return index
    }
    var best: Int?
    for index in set {
      if stations[index].port < 0 { return index }
      guard stations[index].heard != Station.fixed else { continue }
      if let known = best, stations[known].heard <= stations[index].heard { continue }
      best = index
    }
    return best
  }

  /// A port is gone, and who was behind it.
  package mutating func forget(port: Int) {
    for index in stations.indices where stations[index].port == port {
      stations[index] = Station()
    }
  }
}

/// Whether an Ethernet address names a group: multicast or broadcast (IEEE 802).
func isGroup(_ address: UInt64) -> Bool { address >> 40 & 1 != 0 }
