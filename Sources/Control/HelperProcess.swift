internal import Devices
internal import LinuxSystem
internal import Model

/// The process that opens what users name, one thing after the other. It may hang for ever in a
/// dead network file system; then control lets it hang and starts another.
package enum HelperProcess {
  /// Serves the channel that is descriptor 3 until its other end closes.
  package static func serve() {
    let channel = Channel(Descriptor(owning: 3))
    try? endWithParent(signal: Signal.kill)
    while true {
      _ = wait(on: channel.descriptor, milliseconds: -1)
      do throws(Errno) {
        guard let packet = try channel.receive() else { return }
        guard let request = try? HostRequest(packet.bytes) else { return }
        try channel.send(answer(request, packet.descriptors))
      } catch {
        guard error == .again else { return }
      }
    }
  }

  private static func answer(_ request: HostRequest, _ open: [Descriptor]) -> Packet {
    do throws(HostRefusal) {
      let opening = try serve(request, open)
      return Packet(HostReply.opened(facts: opening.facts).bytes, opening.descriptors)
    } catch { return Packet(HostReply.refused(error).bytes) }
  }

  private static func serve(
    _ request: HostRequest, _ open: [Descriptor]
  ) throws(HostRefusal) -> HostOpening {
    guard let kind = deviceKind(request.className) else {
      throw HostRefusal(
        errno: Errno.noEntry.rawValue, reason: "there is no class \(request.className)")
    }
    for rights in request.otherRights {
      try assume(rights)
      try kind.checkRights(request.values, request.forbiddenFileSystem)
    }
    try assume(request.rights)
    guard !request.isAdjustment else {
      return HostOpening(facts: try kind.adjustHost(request.values, open))
    }
    return try kind.openHost(request.values, request.forbiddenFileSystem)
  }

  private static func assume(_ rights: Credentials) throws(HostRefusal) {
    do throws(Errno) {
      try assumeFileRights(uid: rights.uid, gid: rights.gid, groups: rights.groups)
    } catch {
      throw HostRefusal(
        errno: error.rawValue,
        reason: "the rights of user \(rights.uid) cannot be assumed: \(error.text)")
    }
  }
}
