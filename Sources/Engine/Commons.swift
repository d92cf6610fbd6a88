/// What the devices of a container have in common, such as the segment that network cards are on:
/// one object for each name, alive as long as a device holds it.
package final class Commons {
  private struct Entry { weak var object: AnyObject? }

  private var entries: [String: Entry] = [:]

  package init() {}

  /// The object of this name; `make` makes it where there is none.
  package func one<Common: AnyObject>(_ name: String, make: () -> Common) -> Common {
    if let common = entries[name]?.object as? Common { return common }
    let common = make()
    entries[name] = Entry(object: common)
    return common
  }
}
