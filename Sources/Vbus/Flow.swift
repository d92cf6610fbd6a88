/// Which way the data of an ioq goes. The ring itself does not say; the device's type does.
public enum Flow: Sendable {
  /// North to south, as a guest transmits: the device reads buffers.
  case toDevice
  /// South to north, as a guest receives: the device writes buffers.
  case fromDevice
}
