import Devices
import LinuxSystem
import Model

/// The errno with which opening a network card's host side is refused; `nil` when it is not.
@Sendable func refusal(_ wish: HostWish) -> Errno? {
  do throws(HostRefusal) { _ = try openNetHost(wish) } catch {
    return Errno(rawValue: error.errno)
  }
  return nil
}
