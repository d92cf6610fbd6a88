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

/// The errno with which a check of rights refuses; `nil` when it does not.
@Sendable func refusal(
  of check: (HostWish) throws(HostRefusal) -> Void, _ wish: HostWish
) -> Errno? {
  do throws(HostRefusal) { try check(wish) } catch { return Errno(rawValue: error.errno) }
  return nil
}
