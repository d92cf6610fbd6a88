internal import LinuxSystem

/// Where the programs under test lie: VBUSFS_BIN, else beside the tests, where a debug build puts
/// them. `nil` when they are at neither place.
package let programFolder: String? = {
  let beside = (try? programPath()).map(folder)
  let built = folder(folder(folder("\(#filePath)"))) + "/.build/debug"
  return [environmentValue("VBUSFS_BIN"), beside, built].compactMap { $0 }.first(where: isComplete)
}()

private func isComplete(_ folder: String) -> Bool {
  ["vbusfs", "vbusfs-engine"].allSatisfy { (try? facts(at: folder + "/" + $0)) != nil }
}

private func folder(_ path: String) -> String {
  path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
}
