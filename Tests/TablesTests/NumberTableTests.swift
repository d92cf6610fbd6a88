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

  @Test("A value ends when it is replaced or removed, and with its table")
  func letsGo() {
    final class Value {}
    var table: NumberTable<Value>? = NumberTable()
    weak var replaced: Value?
    weak var removed: Value?
    weak var kept: Value?
    do {
      let values = [Value(), Value(), Value()]
      (replaced, removed, kept) = (values[0], values[1], values[2])
      table?[2] = replaced
      table?[4] = removed
      table?[8] = kept
    }
    table?[2] = Value()
    table?[4] = nil
    #expect(replaced == nil)
    #expect(removed == nil)
    #expect(kept != nil)
    table = nil
    #expect(kept == nil)
  }

  @Test("A table of nothing but numbers knows which it has")
  func numbersAlone() {
    let table = NumberTable<Void>()
    for number in 0..<9 as Range<UInt64> { table[number] = () }
    table[4] = nil
    #expect(table.keys.sorted() == [0, 1, 2, 3, 5, 6, 7, 8])
    #expect(table.place(of: 4) == nil)
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
