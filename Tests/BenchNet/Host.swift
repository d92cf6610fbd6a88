internal import Devices
internal import Engine
internal import LinuxSystem

/// What a live device gives its model: here nothing but what its container has in common.
final class Host: DeviceHost {
  let loop: EventLoop
  private let commons = Commons()

  init() throws { loop = try EventLoop() }

  func wake(queue index: Int) {}

  func configurationChanged() {}

  func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common {
    commons.one(name, make: make)
  }

  func hostFailed(_ sentence: String) {}
}
