import Model
import Testing

@Suite("Who may attach besides")
struct AllowanceTests {
  @Test(
    "Any order of numbers has one text",
    arguments: [
      ("", ""), (" ", ""), ("7", "7"), ("@7 7", "7 @7"), (" 2  1 @9 @8 2", "1 2 @8 @9"),
      ("007", "7"), ("4294967294", "4294967294"),
    ])
  func text(_ text: String, _ canonical: String) {
    #expect(Allowance(text)?.text == canonical)
  }

  @Test(
    "What is no number is refused",
    arguments: ["x", "@", "@@1", "-1", "+1", "1,2", "1\t2", "4294967295", "4294967296", "٣"])
  func refused(_ text: String) { #expect(Allowance(text) == nil) }

  @Test("A 33rd user is refused, and a 33rd group; one that is named twice counts once")
  func most() {
    let users = (0..<32).map { "\($0)" }.joined(separator: " ")
    let groups = (0..<32).map { "@\($0)" }.joined(separator: " ")
    #expect(Allowance("\(users) 31 \(groups) @31")?.users.count == 32)
    #expect(Allowance("\(users) 32") == nil)
    #expect(Allowance("\(groups) @32") == nil)
  }
}
