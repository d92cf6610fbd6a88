/// Memory that a device and its client share.
package struct Share: Hashable, Sendable {
  package let device: DeviceHandle
  package let id: UInt32
  package let address: UInt64
  package let byteCount: UInt32
  /// Where its signal lies, and what both call it.
  package let signal: Signal?

  package struct Signal: Hashable, Sendable {
    package let handle: SignalHandle
    package let offset: UInt32
    package let cookie: UInt64
    /// From 0, among the client's event queues.
    package let priority: Int
    /// It has two eventfds; neither SHMSIGNAL nor its event is needed for it.
    package let hasOwnBells: Bool
  }
}
