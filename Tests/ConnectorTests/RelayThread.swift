import Connectors
import LinuxSystem
import VbusClient

/// A relay on a thread of the test, and where it is reached.
final class RelayThread: Sendable {
  private let stop: EventDescriptor

  /// Serves whoever connects to `listener` with what `connect` leads to.
  init(
    _ listener: Descriptor, resumeMilliseconds: UInt32 = 10_000,
    connect: @escaping @Sendable () throws(BusError) -> any Connector
  ) throws {
    let stop = try EventDescriptor()
    self.stop = stop
    _ = try Thread {
      let relay = try? StreamRelay(resumeMilliseconds: resumeMilliseconds, connect: connect)
      try? relay?.serve(connectionsFrom: listener, until: stop.descriptor)
    }
  }

  /// Serves the far end of a serial line.
  init(
    line: Descriptor, connect: @escaping @Sendable () throws(BusError) -> any Connector
  ) throws {
    let stop = try EventDescriptor()
    self.stop = stop
    _ = try Thread {
      let relay = try? StreamRelay(connect: connect)
      _ = relay?.serve(StreamEnds(line), until: stop.descriptor)
      relay?.end()
    }
  }

  func end() { stop.ring() }

  deinit { stop.ring() }
}
