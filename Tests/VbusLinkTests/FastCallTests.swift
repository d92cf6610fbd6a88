import LinuxSystem
import Testing
import VbusLink

@Suite("A client has one block for fast calls")
struct FastCallTests {
  @Test("A block in the client's memory is taken, and is in the session's record")
  func taken() throws {
    let client = Client()
    try client.addMemory()
    #expect(try client.ask(.addFastCall(address: 0x10000)).errno == nil)
    #expect(client.session.lines.contains("calls 65536"))
  }

  @Test("A second one is EEXIST")
  func second() throws {
    let client = Client()
    try client.addMemory()
    _ = try client.ask(.addFastCall(address: 0x10000))
    #expect(try client.ask(.addFastCall(address: 0x10100)).errno == .exists)
  }

  @Test("One that is not wholly in the client's memory is EFAULT")
  func outside() throws {
    let client = Client()
    try client.addMemory()
    #expect(try client.ask(.addFastCall(address: 0x1ff88)).errno == .badAddress)
  }

  @Test("One at no multiple of 8 is EINVAL")
  func misaligned() throws {
    let client = Client()
    try client.addMemory()
    #expect(try client.ask(.addFastCall(address: 0x10004)).errno == .invalid)
  }

  @Test("One without its two bells is EINVAL")
  func noBells() throws {
    let client = Client()
    try client.addMemory()
    let reply = try client.ask(.addFastCall(address: 0x10000), descriptorCount: 0)
    #expect(reply.errno == .invalid)
  }

  @Test("It is EINVAL where it was not agreed on")
  func notAgreed() throws {
    let client = Client(capabilities: [.ownBells])
    try client.addMemory()
    #expect(try client.ask(.addFastCall(address: 0x10000)).errno == .invalid)
  }

  @Test("The memory it lies in is EBUSY to drop")
  func memoryStays() throws {
    let client = Client()
    try client.addMemory()
    _ = try client.ask(.addFastCall(address: 0x10000))
    #expect(try client.ask(.dropMemory(address: 0x10000)).errno == .busy)
  }
}
