import Model
import Testing

@Suite("Value kinds")
struct ValueKindTests {
  private let size = ValueKind.size(0...(1 << 40), multipleOf: 512)

  @Test(
    "Sizes are counted in steps of 1024",
    arguments: [("0", "0"), ("1K", "1024"), ("2m", "2097152"), ("1T", "1099511627776")])
  func sizes(text: String, canonical: String) throws {
    #expect(try size.canonical(text) == canonical)
  }

  @Test(
    "What is no size, out of range or no multiple is refused",
    arguments: [
      "", "K", "1KB", "1 K", "0x200", "1e3", "2T", "511", "99999999999999999999", "-0", "1ß", "1ﬁ",
    ])
  func notSizes(text: String) {
    #expect(throws: Refusal.malformed(accepted: size.accepted)) { try size.canonical(text) }
  }

  @Test("A size that overflows is refused")
  func overflow() {
    let all = ValueKind.size(0...UInt64.max, multipleOf: 1)
    #expect(throws: Refusal.malformed(accepted: all.accepted)) {
      try all.canonical("18014398509481984K")
    }
  }

  @Test("Each spelling of yes and no is 1 or 0", arguments: [("y", "1"), ("off", "0"), ("1", "1")])
  func booleans(text: String, canonical: String) throws {
    #expect(try ValueKind.boolean.canonical(text) == canonical)
  }

  @Test("Anything else is no boolean", arguments: ["", "2", "yess", "Off", "01"])
  func notBooleans(text: String) {
    #expect(throws: Refusal.malformed(accepted: ValueKind.boolean.accepted)) {
      try ValueKind.boolean.canonical(text)
    }
  }

  @Test("A path is absolute or nothing", arguments: ["a", "./a", "~/a", " /a"])
  func paths(text: String) throws {
    #expect(try ValueKind.path.canonical("/a b/c") == "/a b/c")
    #expect(throws: Refusal.malformed(accepted: ValueKind.path.accepted)) {
      try ValueKind.path.canonical(text)
    }
  }

  @Test("A choice is one of its words, as written", arguments: ["", "FILE", "file "])
  func choices(text: String) {
    let kind = ValueKind.choice(["file", "null"])
    #expect(throws: Refusal.malformed(accepted: "file null")) { try kind.canonical(text) }
  }

  @Test("A text keeps to its limit and to printable ASCII", arguments: ["abcd", "a\u{7f}", "é"])
  func texts(text: String) {
    let kind = ValueKind.text(byteCountMax: 3)
    #expect(throws: Refusal.malformed(accepted: kind.accepted)) { try kind.canonical(text) }
  }
}
