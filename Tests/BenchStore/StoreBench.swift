internal import BenchTwins
internal import LinuxSystem
internal import Model
internal import Store

/// What the store alone takes for the changes that the operations of the benchmark make.
///
///     StoreBench write|mkdir COUNT PATH     prints nanoseconds of processor time per operation
///
/// `write` is one commit, as a write to an attribute makes; `mkdir` two, as mkdir and rmdir make.
@main
enum StoreBench {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 3, let count = UInt64(arguments[2]) else { throw Misuse() }
    let store = try Store(path: arguments[3], isDurable: false)
    let start = process_nanoseconds(processNumber())
    for number in 0..<count {
      switch arguments.first {
      case "write": try write(number, store)
      case "mkdir": try makeAndRemove(number, store)
      default: throw Misuse()
      }
    }
    let spent = process_nanoseconds(processNumber()) - start
    print(Double(spent) / Double(max(count, 1)))
  }

  private static func write(_ number: UInt64, _ store: Store) throws {
    let value = StoredValue(
      text: number % 2 == 0 ? "a" : "b", writer: Credentials(uid: 0, gid: 0, groups: [0]),
      changed: number)
    try store.commit(
      [.putValue(device: ObjectID(rawValue: 1), attribute: "serial", value: value)],
      answering: AnsweredRequest(slot: 0, unique: number), with: .done)
  }

  private static func makeAndRemove(_ number: UInt64, _ store: Store) throws {
    let id = ObjectID(rawValue: number + 2)
    let device = Device(
      id: id, name: try Name("x"), owner: Owner(uid: 0, gid: 0, permissions: 0o755),
      changed: number)
    try store.commit(
      [.putDevice(device), .putNextID(id.next)],
      answering: AnsweredRequest(slot: 0, unique: 2 * number), with: .entry(number))
    try store.commit(
      [.removeDevice(id)], answering: AnsweredRequest(slot: 0, unique: 2 * number + 1),
      with: .done)
  }
}

struct Misuse: Error {}
