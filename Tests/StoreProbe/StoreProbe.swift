internal import LinuxSystem
internal import Model
internal import Store

/// Commits to a store, one change after the other, until it is killed: `PATH durable|quick`. It
/// tells each number on descriptor 3 once the change is committed.
@main
enum StoreProbe {
  static func main() {
    do {
      let arguments = CommandLine.arguments
      let store = try Store(path: arguments[1], isDurable: arguments[2] == "durable")
      let answers = Descriptor(owning: 3)
      for number in 1...UInt64(1_000_000) {
        let changes: [Change] = [
          .putNextID(ObjectID(rawValue: number)),
          .putFact(device: ObjectID(rawValue: 1), fact: "number", text: String(number)),
        ]
        try store.commit(
          changes, answering: AnsweredRequest(slot: 0, unique: number), with: .entry(number))
        try sendBytes([1], through: answers)
      }
    } catch {
      return
    }
  }
}
