import LinuxSystem
import Testing

@testable import Keeper

@Suite("What the keeper holds at most")
struct LimitTests {
  @Test("A descriptor beyond the limit is not kept")
  func full() throws {
    let event = try EventDescriptor().descriptor
    var kept = KeptDescriptors()
    for index in 0...KeptDescriptors.countMax { kept.put(event, as: "\(index)") }
    #expect(kept.below("").count == KeptDescriptors.countMax)
  }

  @Test("A name that is kept already can be replaced at the limit")
  func replacedWhenFull() throws {
    let event = try EventDescriptor().descriptor
    let other = try EventDescriptor().descriptor
    var kept = KeptDescriptors()
    for index in 0..<KeptDescriptors.countMax { kept.put(event, as: "\(index)") }
    kept.put(other, as: "0")
    #expect(kept.below("0").map(\.entry.descriptor.number) == [other.number])
  }
}
