import Model
import Testing

@Suite("Names")
struct NameTests {
  @Test("Ordinary names are taken", arguments: ["a", "disk0", "vm 0", "a.b", "größe", "~", "-x"])
  func legal(text: String) throws {
    #expect(try Name(text).text == text)
  }

  @Test(
    "Empty names, control characters, slashes and leading dots are refused",
    arguments: ["", ".", "..", ".a", "a/b", "a\u{0}", "a\u{1f}", "\u{7f}", "a\u{85}b"])
  func malformed(text: String) {
    #expect(throws: Refusal.nameMalformed) { try Name(text) }
  }

  @Test("65 bytes are refused, whatever they are")
  func tooLong() {
    #expect(throws: Refusal.nameTooLong(byteCount: 66)) {
      try Name(String(repeating: "ü", count: 33))
    }
  }

  @Test("Two spellings of the same letter are two names")
  func spellings() throws {
    #expect(try Name("\u{e9}") != Name("e\u{301}"))
  }
}
