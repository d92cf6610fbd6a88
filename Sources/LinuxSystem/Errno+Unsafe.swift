internal import CLinux

extension Errno {
  /// The symbolic name, `EBUSY`.
  package var name: String {
    // SAFETY: the shim answers a static string or null for any number.
    guard let text = unsafe linux_error_name(rawValue) else { return "errno \(rawValue)" }
    return unsafe String(cString: text)
  }

  /// The C library's sentence, `Device or resource busy`.
  package var sentence: String {
    // SAFETY: the shim answers a static string or null for any number.
    guard let text = unsafe linux_error_sentence(rawValue) else { return "Unknown error" }
    return unsafe String(cString: text)
  }
}
