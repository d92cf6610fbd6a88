import LinuxSystem
import SharedMemory
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("What every connector refuses")
struct RefusalTests {
  @Test("An id that is not there", arguments: Way.all)
  func unknownID(way: Way) throws {
    let lab = try BusLab(way)
    let client = try lab.client(for: lab.rng())
    #expect(throws: BusError.refused(.noEntry)) { _ = try client.open(7) }
  }

  @Test("Another version of a device's calls", arguments: Way.all)
  func version(way: Way) throws {
    let lab = try BusLab(way)
    let rng = try lab.rng()
    let client = try lab.client(for: rng)
    #expect(throws: BusError.refused(.invalid)) {
      _ = try client.open(lab.id(of: rng), version: 2)
    }
    _ = try client.open(lab.id(of: rng), version: 1)
  }

  @Test("A device that the client has open", arguments: Way.all)
  func busyOwn(way: Way) throws {
    let lab = try BusLab(way)
    let rng = try lab.rng()
    let client = try lab.client(for: rng)
    let connection = try client.open(lab.id(of: rng))
    #expect(throws: BusError.refused(.busy)) { _ = try client.open(lab.id(of: rng)) }
    try connection.close()
    _ = try client.open(lab.id(of: rng))
  }

  @Test("A device that another client has open", arguments: Way.all)
  func busyOther(way: Way) throws {
    let lab = try BusLab(way)
    let rng = try lab.rng()
    let (first, second) = (try lab.client(for: rng), try lab.client(for: rng))
    let connection = try first.open(lab.id(of: rng))
    #expect(throws: BusError.refused(.busy)) { _ = try second.open(lab.id(of: rng)) }
    #expect(try VirtioDevice(connection).identity.deviceID == 4)
  }

  @Test("A function that no device has", arguments: Way.all)
  func unknownFunction(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    #expect(throws: BusError.refused(.notTerminal)) { _ = try connection.call(0x999) }
    #expect(throws: BusError.refused(.notTerminal)) { _ = try connection.call(3) }
  }

  @Test("Data of another length than the function's", arguments: Way.all)
  func length(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    let function = VirtioFunction.getFeatures.rawValue
    for count in [0, 7, 9, 65536] {
      #expect(throws: BusError.refused(.invalid)) {
        _ = try connection.call(function, [UInt8](repeating: 0, count: count))
      }
    }
    #expect(throws: BusError.refused(.invalid)) {
      _ = try connection.call(function, [UInt8](repeating: 0, count: 65537))
    }
    #expect(try connection.call(function, [UInt8](repeating: 0, count: 8)).count == 8)
  }

  @Test("Flags, of which there are none", arguments: Way.all)
  func flags(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    #expect(throws: BusError.refused(.invalid)) {
      var bytes = [UInt8](repeating: 0, count: 8)
      try connection.call(VirtioFunction.getFeatures.rawValue, flags: 1, data: &bytes)
    }
  }

  @Test("A handle whose device is closed", arguments: Way.all)
  func closedHandle(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    try connection.close()
    #expect(throws: BusError.refused(.noEntry)) { try connection.close() }
    #expect(throws: BusError.refused(.noEntry)) { _ = try VirtioDevice(connection) }
  }

  @Test("A queue that is shared already", arguments: Way.all)
  func twice(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    let ring = try Ring(0, .virtqueue(8), of: connection)
    #expect(throws: BusError.refused(.exists)) {
      _ = try connection.makeQueue(0, .virtqueue(8), in: ring.memory)
    }
  }

  @Test("A queue that the device has not", arguments: Way.all)
  func noQueue(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    #expect(throws: BusError.refused(.invalid)) {
      _ = try Ring(1, .virtqueue(8), of: connection)
    }
    #expect(throws: BusError.refused(.invalid)) {
      _ = try Ring(77, .virtqueue(8), of: connection)
    }
  }

  @Test("Memory that is no ring, for a queue", arguments: Way.all)
  func noRing(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    let memory = try connection.client.makeMemory(byteCount: 4096)
    guard let place = memory.allocate(1024) else { throw Errno.noMemory }
    let wish = ShareWish(
      id: 0, memory: memory.memory, offset: place.offset, byteCount: 1024, signalOffset: 8)
    #expect(throws: BusError.refused(.invalid)) { _ = try connection.share(wish) }
  }

  @Test("A ring whose head says another size", arguments: Way.all)
  func wrongShape(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    let memory = try connection.client.makeMemory(byteCount: 4096)
    guard let size = QueueSize(8),
      let place = memory.allocate(VirtqueueLayout.byteCount(size), alignment: 16)
    else { throw Errno.noMemory }
    VirtqueueLayout.format(memory.window(of: place), size: size)
    memory.window(of: place).storeRelaxed(UInt32(16), at: VirtqueueLayout.count)
    let wish = ShareWish(
      id: 0, memory: memory.memory, offset: place.offset,
      byteCount: UInt32(VirtqueueLayout.byteCount(size)),
      signalOffset: UInt32(VirtqueueLayout.signal))
    #expect(throws: BusError.refused(.invalid)) { _ = try connection.share(wish) }
  }

  @Test("A signal outside of its memory, and memory at a crooked place", arguments: Way.all)
  func crooked(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    let memory = try connection.client.makeMemory(byteCount: 4096)
    var wish = ShareWish(
      id: VirtioFunction.configurationShare, memory: memory.memory, offset: 0, byteCount: 16,
      signalOffset: 4)
    #expect(throws: BusError.refused(.invalid)) { _ = try connection.share(wish) }
    (wish.signalOffset, wish.offset) = (0, 4)
    #expect(throws: BusError.refused(.invalid)) { _ = try connection.share(wish) }
    (wish.offset, wish.byteCount) = (4096, 16)
    #expect(throws: BusError.refused(.badAddress)) { _ = try connection.share(wish) }
  }

  @Test("Memory that is taken away while it is shared", arguments: Way.all)
  func dropShared(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    let connector = connection.client.connector
    let ring = try Ring(0, .virtqueue(8), of: connection)
    let memory = ring.memory.memory
    #expect(throws: BusError.refused(.busy)) { try connector.dropMemory(memory) }
    try connection.close()
    try connector.dropMemory(memory)
    #expect(throws: BusError.refused(.noEntry)) { try connector.dropMemory(memory) }
  }

  @Test("A signal that is nobody's", arguments: Way.all)
  func unknownSignal(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    #expect(throws: BusError.refused(.noEntry)) {
      try connection.client.connector.ring(SignalHandle(rawValue: 4000))
    }
  }
}
