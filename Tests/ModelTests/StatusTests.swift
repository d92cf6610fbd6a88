import Devices
import Model
import Testing

@Suite("Status and the catalogue")
struct StatusTests {
  @Test(
    "The life cycle, case by case",
    arguments: [
      (false, false, false, nil, Status.untyped), (true, false, true, .running, .offline),
      (true, true, true, .running, .failed), (true, true, false, nil, .enabled),
      (true, true, false, .waiting, .listening), (true, true, false, .running, .running),
      (true, true, false, .faulted, .faulted),
    ] as [(Bool, Bool, Bool, Status.Engaged?, Status)])
  func table(typed: Bool, enabled: Bool, failed: Bool, engaged: Status.Engaged?, status: Status) {
    #expect(
      Status(isTyped: typed, isEnabled: enabled, hasFailed: failed, engaged: engaged) == status)
  }

  @Test("Every default of every class is in its attribute's own form")
  func defaults() throws {
    for one in catalogue.classes {
      for attribute in one.attributes {
        #expect(try attribute.kind.canonical(attribute.defaultText) == attribute.defaultText)
      }
    }
  }

  @Test("Every class offers version_1, and no bit that its table does not name")
  func offers() {
    for one in catalogue.classes {
      let defaults = Dictionary(
        uniqueKeysWithValues: one.attributes.map { ($0.key, $0.defaultText) })
      let named = one.features.reduce(0) { $0 | $1.mask }
      #expect(one.offerable(defaults) & FeatureSpec.version1 != 0)
      #expect(one.offerable(defaults) & ~named == 0)
    }
  }

  @Test("A read-only disk offers ro, and neither discard nor write_zeroes")
  func readOnlyDisk() throws {
    let offered = blkClass.offerable(["read_only": "1", "num_queues": "2"])
    #expect(offered & (1 << 5 | 1 << 12) == 1 << 5 | 1 << 12)
    #expect(offered & (1 << 13 | 1 << 14) == 0)
  }
}
