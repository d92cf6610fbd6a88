internal import Devices
internal import Engine
internal import LinuxSystem

/// What a live device gives its model: here nothing but what its container has in common.
final class Host: DeviceHost {
  private let loop: EventLoop
  private var commons: [String: AnyObject] = [:]

  init() throws { loop = try EventLoop() }

  func wake(queue index: Int) {}

  func watch(
    _ descriptor: Descriptor, for readiness: Readiness, handler: @escaping (Readiness) -> Void
  ) throws(Errno) -> EventLoop.Token {
    try loop.watch(descriptor, for: readiness, handler: handler)
  }

  func rewatch(_ token: EventLoop.Token, for readiness: Readiness) {
    try? loop.rewatch(token, for: readiness)
  }

  func after(milliseconds: UInt64, handler: @escaping () -> Void) -> EventLoop.Token {
    loop.after(milliseconds: milliseconds, handler: handler)
  }

  func remove(_ token: EventLoop.Token) { loop.remove(token) }

  func configurationChanged() {}

  func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common {
    if let common = commons[name] as? Common { return common }
    let common = make()
    commons[name] = common
    return common
  }

  func hostFailed(_ sentence: String) {}
}
