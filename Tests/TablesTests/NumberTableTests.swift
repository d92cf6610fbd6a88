import Tables
import Testing

@Suite("A table of numbers")
struct NumberTableTests {
  @Test("An empty table has no place for any number")
  func emptyHasNothing() {
    let table = NumberTable<String>()
    #expect(table.place(of: 0) == nil)
    #expect(table[7] == nil)
    #expect(table.isEmpty)
  }

  @Test("A value is found by its number, 0 and the greatest among them")
  func findsByNumber() {
    let table = NumberTable<String>()
    table[0] = "zero"
    table[.max] = "greatest"
    #expect(table[0] == "zero")
    #expect(table[.max] == "greatest")
    #expect(table.count == 2)
  }

  @Test("A second value for a number replaces the first")
  func replaces() {
    let table = NumberTable<String>()
    table[5] = "old"
    table[5] = "new"
    #expect(table[5] == "new")
    #expect(table.count == 1)
  }

  @Test("What is there already is not inserted anew")
  func keepsWhatIsThere() {
    let table = NumberTable<String>()
    table[5] = "there"
    let place = table.place(of: 5, inserting: "new")
    #expect(table[at: place] == "there")
  }

  @Test("A removed number is not found, and removing it again answers nothing")
  func removes() {
    let table = NumberTable<String>()
    table[5] = "there"
    #expect(table.remove(5) == "there")
    #expect(table[5] == nil)
    #expect(table.remove(5) == nil)
    #expect(table.isEmpty)
  }

  @Test("After any number of changes a table holds what a dictionary holds")
  func agreesWithDictionary() {
    let table = NumberTable<UInt64>()
    var dictionary: [UInt64: UInt64] = [:]
    var state: UInt64 = 1
    for step in 0..<20_000 as Range<UInt64> {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = state >> 33 % 512 << (state >> 60)
      table[number] = state >> 20 % 3 == 0 ? nil : step
      dictionary[number] = state >> 20 % 3 == 0 ? nil : step
    }
    #expect(table.count == dictionary.count)
    #expect(dictionary.allSatisfy { table[$0.key] == $0.value })
    #expect(Set(table.keys) == Set(dictionary.keys))
    #expect(table.values.sorted() == dictionary.values.sorted())
  }

  @Test("Tables are equal by what they hold, not by the order in which it came")
  func comparesByContent() {
    let first = NumberTable<String>()
    first[1] = "a"
    first[2] = "b"
    let second = NumberTable<String>()
    second[2] = "b"
    second[1] = "a"
    #expect(first == second)
    second[2] = "c"
    #expect(first != second)
    second[2] = nil
    #expect(first != second)
  }
}
