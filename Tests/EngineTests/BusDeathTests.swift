import EngineLink
import LinuxSystem
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("Native clients do not notice the death of their engine", .serialized)
struct BusDeathTests {
  @Test("A client that is at work goes on with its connection, its device and its rings")
  func goesOn() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let native = try NativeDisk(lab.client(), lab.disk().offer.devID)
    _ = try native.write(pattern(0, 1), sector: 0)
    try lab.killEngine()
    #expect(try native.read(sector: 0) == pattern(0, 1))
    #expect(try native.device.status().contains(.driverOK))
  }

  @Test("Requests that wait in a ring when the engine dies are served by the next one")
  func waitingRequests() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let native = try NativeDisk(lab.client(), lab.disk().offer.devID)
    let engine = try lab.engine()
    try send(signal: Signal.stop, to: engine)
    for slot in 0..<native.depth {
      try native.postWrite(pattern(UInt64(slot), 1), sector: UInt64(slot) * 8, slot: slot)
    }
    try native.queue.publish()
    try send(signal: Signal.kill, to: engine)
    try native.finish(native.depth)
    #expect((0..<native.depth).allSatisfy { native.status(of: $0) == 0 })
  }

  @Test("Devices that come and go while no engine is there are told of once")
  func news() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let first = try lab.rng(901)
    let client = try lab.client()
    #expect(try client.devices().map(\.id) == [first])
    try lab.killEngine()
    let second = try lab.rng(902)
    #expect(try client.devices().map(\.id) == [first, second])
    #expect(try client.nextEvent(milliseconds: 0) == .deviceAdded(id: first, type: "virtio-rng"))
    #expect(try client.nextEvent(milliseconds: 0) == .deviceAdded(id: second, type: "virtio-rng"))
    #expect(try client.nextEvent(milliseconds: 50) == nil)
  }

  @Test("What a client has set in the configuration space outlives the engine")
  func configuration() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let native = try NativeDisk(
      lab.client(), lab.disk().offer.devID,
      features: FeatureBits.splitRing.union(FeatureBits(bit: 11)))
    try native.device.setConfiguration(offset: 32, [0])
    try lab.killEngine()
    #expect(try native.device.configuration(offset: 32, count: 1) == [0])
  }

  @Test("A device whose client left while no engine was there is free again")
  func leftMeanwhile() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let client = try lab.client()
    _ = try NativeDisk(client, disk.offer.devID)
    try send(signal: Signal.stop, to: lab.engine())
    client.disconnect()
    try lab.killEngine()
    let other = try NativeDisk(lab.client(), disk.offer.devID)
    #expect(try other.write(pattern(1, 1), sector: 0) == 0)
  }

  @Test("What a predecessor had stopped, and died before it wrote that down, is not served again")
  func stoppedAtDeath() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let native = try NativeDisk(lab.client(), disk.offer.devID)
    #expect(try native.write(pattern(0, 1), sector: 0) == 0)
    // The buffer that the ring's first entry still names.
    try native.postWrite(pattern(0, 2), sector: 0, slot: 0)
    let former = try lab.engine()
    try send(signal: Signal.stop, to: former)
    disk.record.queue(0).state = .stopped
    disk.record.queue(0).availableIndex = 0
    try lab.killEngine()
    _ = try lab.control.awaitEngine(after: former)
    _ = try native.device.status()
    try native.device.connection.close()
    #expect(try disk.content(sector: 0, count: 4096) == pattern(0, 1))
  }

  @Test("A record that is none ends its client's connection, and the next one is served")
  func brokenRecord() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let client = try lab.client()
    let native = try NativeDisk(client, disk.offer.devID)
    try send(signal: Signal.stop, to: lab.engine())
    try breakRecords(of: lab)
    try lab.killEngine()
    #expect(throws: BusError.disconnected) { try native.device.status() }
    #expect(try NativeDisk(lab.client(), disk.offer.devID).write(pattern(0, 1), sector: 0) == 0)
  }

  /// Writes nonsense into what the keeper has of clients.
  private func breakRecords(of lab: EngineLab) throws {
    for file in try lab.control.kept(below: "of-engine/clients") where file.hasSuffix("/record") {
      let record = try ClientRecord(lab.control.take(file))
      #expect(record.save(["client 1", "device x"], reply: nil))
    }
  }

  @Test(
    "A call that was answered is not carried out again on the data of the next one",
    arguments: [true, false])
  func answeredCall(isFast: Bool) throws {
    let last = try EngineLab.killAtMoments(every: 1, preparing: { try $0.openBus() }) {
      (lab, disk, _) in
      var options = SocketConnector.Options()
      options.wantsFastCalls = isFast
      let client = try lab.client(options)
      let device = try VirtioDevice(client.open(disk.offer.devID))
      #expect(try device.status() == [])
      try device.setStatus(.acknowledge)
      #expect(try device.status() == .acknowledge)
      #expect(try device.offered().contains(.version1))
      client.disconnect()
    }
    #expect(last > 30)
  }

  @Test("Killed at every third moment of a whole conversation: before a system call, or after it")
  func everyMoment() throws {
    let last = try EngineLab.killAtMoments(preparing: { try $0.openBus() }) {
      (lab, disk, moment) in
      try converse(with: disk, of: lab, round: moment)
    }
    #expect(last > 200)
  }

  @Test("Killed by SIGKILL at random moments, under verified requests")
  func anyMoment() throws {
    for _ in 0..<8 {
      let lab = try EngineLab()
      try lab.openBus()
      let disk = try lab.disk()
      let killer = try Killer(of: lab.control, seed: UInt64(disk.offer.id))
      var round: UInt64 = 0
      while !killer.isDone {
        round += 1
        try converse(with: disk, of: lab, round: round)
      }
      #expect(disk.record.fault == nil)
    }
  }

  /// Everything a client says, and requests of which each is checked.
  private func converse(with disk: LabDisk, of lab: EngineLab, round: UInt64) throws {
    var options = SocketConnector.Options()
    options.wantsFastCalls = round % 3 != 0
    if round % 2 == 0 { options.eventQueues = [IoqSize(4), IoqSize(4)].compactMap { $0 } }
    let client = try lab.client(options)
    let id = disk.offer.devID
    #expect(try client.devices().map(\.id) == [id])
    let native = try NativeDisk(
      client, id, wantsOwnBells: round % 4 < 2,
      features: FeatureBits.splitRing.union(FeatureBits(bit: 11)))
    #expect(try native.write(pattern(0, round), sector: 0) == 0)
    let more = try client.makeMemory(byteCount: 1 << 16)
    #expect(try native.read(sector: 0) == pattern(0, round))
    try client.connector.dropMemory(more.memory)
    try native.device.setConfiguration(offset: 32, [UInt8(round & 1)])
    #expect(
      try native.device.configuration(offset: 32, count: 1) == [UInt8(round & 1)])
    for slot in 0..<native.depth {
      try native.postWrite(pattern(8, round), sector: 8 + 8 * UInt64(slot), slot: slot)
    }
    try native.queue.publish()
    try native.finish(native.depth)
    #expect((0..<native.depth).allSatisfy { native.status(of: $0) == 0 })
    #expect(throws: BusError.refused(.busy)) { try client.open(id) }
    try native.device.connection.close()
    #expect(throws: BusError.refused(.noEntry)) { try native.device.status() }
    let again = try NativeDisk(client, id)
    #expect(try again.read(sector: 8) == pattern(8, round))
    client.disconnect()
  }
}
