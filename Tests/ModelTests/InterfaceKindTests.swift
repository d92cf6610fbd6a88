import Model
import Testing

@Suite("Value kinds of network interfaces")
struct InterfaceKindTests {
  private let mac = ValueKind.mac(mayBeEmpty: false)
  private let name = ValueKind.interfaceName(mayBePattern: false, mayBeEmpty: false)
  private let pattern = ValueKind.interfaceName(mayBePattern: true, mayBeEmpty: false)

  @Test("A MAC address is shown in lower case")
  func lowerCase() throws {
    #expect(try mac.canonical("02:1A:ff:00:12:34") == "02:1a:ff:00:12:34")
  }

  @Test(
    "What is no address of one card is refused",
    arguments: [
      "", "02:00:00:00:00", "02:00:00:00:00:01:02", "2:0:0:0:0:1", "020000000001",
      "02-00-00-00-00-01", "02:00:00:00:00:0g", "02:00:00:00:00:+1", "01:00:5e:00:00:01",
      "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", " 02:00:00:00:00:01", "02:00:00:00:00:01:",
    ])
  func notAddresses(text: String) {
    #expect(throws: Refusal.malformed(accepted: mac.accepted)) { try mac.canonical(text) }
  }

  @Test("An address that may be left out may be empty")
  func emptyAddress() throws {
    #expect(try ValueKind.mac(mayBeEmpty: true).canonical("") == "")
  }

  @Test("A drawn address is of one card and locally administered")
  func drawn() throws {
    var generator = SystemRandomNumberGenerator()
    let drawn = try #require(MACAddress.random(using: &generator))
    #expect(drawn.bytes[0] & 0b11 == 0b10)
    #expect(MACAddress(drawn.text) == drawn)
  }

  @Test(
    "An interface has up to 15 bytes", arguments: ["a", "vbus0", "eth0.100", "123456789012345"])
  func names(text: String) throws {
    #expect(try name.canonical(text) == text)
  }

  @Test(
    "What the kernel takes for no interface is refused",
    arguments: ["", ".", "..", "1234567890123456", "a/b", "a:b", "a b", "a\tb", "ä", "vbus%d"])
  func notNames(text: String) {
    #expect(throws: Refusal.malformed(accepted: name.accepted)) { try name.canonical(text) }
  }

  @Test("A pattern has one %d", arguments: ["vbus%d", "%d", "a%db"])
  func patterns(text: String) throws {
    #expect(try pattern.canonical(text) == text)
  }

  @Test("Another percent sign is refused", arguments: ["a%", "a%s", "a%%d", "%d%d", "a%d%"])
  func notPatterns(text: String) {
    #expect(throws: Refusal.malformed(accepted: pattern.accepted)) { try pattern.canonical(text) }
  }
}
