import LinuxSystem
import Testing
import VbusLink

@Suite("A client registers memory")
struct MemoryTests {
  @Test("A region that is well formed is taken")
  func region() throws {
    let client = Client()
    try client.addMemory()
    #expect(client.session.regions.count == 1)
  }

  @Test(
    "A region that is empty or wraps around is refused",
    arguments: [
      Region(address: 0, byteCount: 0, fileOffset: 0),
      Region(address: .max, byteCount: 2, fileOffset: 0),
      Region(address: 0, byteCount: 2, fileOffset: .max),
    ])
  func malformed(_ region: Region) throws {
    #expect(try Client().ask(.addMemory(region)).errno == .invalid)
  }

  @Test("A region without its file is refused")
  func noFile() throws {
    let region = Region(address: 0, byteCount: 4096, fileOffset: 0)
    #expect(try Client().ask(.addMemory(region), descriptorCount: 0).errno == .invalid)
  }

  @Test("A region over another one is refused")
  func overlapping() throws {
    let client = Client()
    try client.addMemory()
    let region = Region(address: 0x1ffff, byteCount: 2, fileOffset: 0)
    #expect(try client.ask(.addMemory(region)).errno == .exists)
  }

  @Test("More regions than there is room for are refused")
  func tooMany() throws {
    let client = Client()
    let errnos = try (0..<65).map {
      try client.ask(.addMemory(Region(address: $0, byteCount: 1, fileOffset: 0))).errno
    }
    #expect(errnos.last == .noSpace)
    #expect(errnos.dropLast().allSatisfy { $0 == nil })
  }

  @Test("A region that nobody uses can be dropped, once")
  func drop() throws {
    let client = Client()
    try client.addMemory()
    let errnos = [
      try client.ask(.dropMemory(address: 0x10000)).errno,
      try client.ask(.dropMemory(address: 0x10000)).errno,
    ]
    #expect(errnos == [nil, .noEntry])
  }

  @Test("A region that a device shares stays")
  func shared() throws {
    let client = Client()
    try client.addMemory()
    _ = try client.share(client.open())
    #expect(try client.ask(.dropMemory(address: 0x10000)).errno == .busy)
  }
}

@Suite("A client shares memory")
struct ShareTests {
  /// The errno for a request that differs from a good one.
  private func errno(_ change: (inout ShareRequest) -> Void) throws -> Errno? {
    let client = Client()
    try client.addMemory()
    var wish = ShareRequest(
      handle: try client.open(), id: 0, address: 0x10000, byteCount: 120, signalOffset: 8)
    change(&wish)
    return try client.ask(.shareMemory(wish)).errno
  }

  @Test("A good request is taken")
  func good() throws { #expect(try errno { _ in } == nil) }

  @Test("A handle that is none")
  func handle() throws {
    #expect(try errno { $0.handle = DeviceHandle(rawValue: 99) } == .noEntry)
  }

  @Test("No bytes")
  func empty() throws { #expect(try errno { $0.byteCount = 0 } == .invalid) }

  @Test("A misaligned address")
  func misaligned() throws { #expect(try errno { $0.address += 4 } == .invalid) }

  @Test("Memory that is not the client's", arguments: [0, 0xff88, 0x1ffa8, UInt64.max - 7])
  func outside(_ address: UInt64) throws {
    #expect(try errno { $0.address = address } == .badAddress)
  }

  @Test("Flags that mean nothing")
  func flags() throws { #expect(try errno { $0.flags = 2 } == .invalid) }

  @Test("A signal that does not fit, or is misaligned", arguments: [105, 9, 0xffff_fffe as UInt32])
  func signalOutside(_ offset: UInt32) throws {
    #expect(try errno { $0.signalOffset = offset } == .invalid)
  }

  @Test("Bells without a signal")
  func bells() throws {
    let found = try errno {
      $0.signalOffset = nil
      $0.flags = ShareRequest.ownBells
    }
    #expect(found == .invalid)
  }

  @Test("Bells of its own that were not agreed on")
  func bellsNotAgreed() throws {
    let client = Client(capabilities: [])
    try client.addMemory()
    let wish = ShareRequest(
      handle: try client.open(), id: 0, address: 0x10000, byteCount: 120,
      flags: ShareRequest.ownBells, signalOffset: 8)
    #expect(try client.ask(.shareMemory(wish)).errno == .invalid)
  }

  @Test("A memory that is shared already")
  func twice() throws {
    let client = Client()
    try client.addMemory()
    let handle = try client.open()
    _ = try client.share(handle)
    let wish = ShareRequest(handle: handle, id: 0, address: 0x10000, byteCount: 120)
    #expect(try client.ask(.shareMemory(wish)).errno == .exists)
  }

  @Test("More than the client may have")
  func tooMany() throws {
    let client = Client(sharesMax: 2)
    try client.addMemory()
    let handle = try client.open()
    _ = try client.share(handle, id: 0)
    _ = try client.share(handle, id: 1)
    let wish = ShareRequest(handle: handle, id: 2, address: 0x10000, byteCount: 120)
    #expect(try client.ask(.shareMemory(wish)).errno == .noSpace)
  }

  @Test("More than a device may have")
  func tooManyOfOne() throws {
    let client = Client(sharesMax: 2000)
    try client.addMemory()
    let handle = try client.open()
    let errnos = try (0...1024).map {
      try client.ask(
        .shareMemory(
          ShareRequest(handle: handle, id: $0, address: 0x10000, byteCount: 8))
      ).errno
    }
    #expect(errnos.dropLast().allSatisfy { $0 == nil })
    #expect(errnos.last == .noSpace)
  }

  @Test("Signals are numbered from 0, and no number comes again")
  func numbers() throws {
    let client = Client()
    try client.addMemory()
    let first = try client.open()
    let before = [try client.share(first, id: 0), try client.share(first, id: 1)]
    _ = try client.ask(.closeDevice(first))
    let after = try client.share(client.open())
    #expect((before + [after]).map(\.rawValue) == [0, 1, 2])
  }

  @Test("SHMSIGNAL finds the memory")
  func signal() throws {
    let client = Client()
    try client.addMemory()
    let signal = try client.share(client.open(), id: 5)
    let reply = try client.ask(.signal(signal))
    #expect(reply.errno == nil)
    #expect(client.sharesSignalled == [5])
  }

  @Test("SHMSIGNAL of nothing, or of what is closed, is refused")
  func noSignal() throws {
    let client = Client()
    try client.addMemory()
    let handle = try client.open()
    let signal = try client.share(handle)
    _ = try client.ask(.closeDevice(handle))
    let errnos = [
      try client.ask(.signal(signal)).errno,
      try client.ask(.signal(SignalHandle(rawValue: 1))).errno,
    ]
    #expect(errnos == [.noEntry, .noEntry])
  }
}

extension Client {
  /// The memories for which SHMSIGNAL came.
  var sharesSignalled: [UInt32] {
    calls.compactMap { if case .signal(let share) = $0 { share.id } else { nil } }
  }
}
