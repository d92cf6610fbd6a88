/// When an attribute may be written.
package enum Window: String, Hashable, Sendable {
  /// While the device is not enabled.
  case offline
  /// While no guest has the device open. It does not touch the host side.
  case untilOpen = "until-open"
  /// Always; a guest that has the device open is told.
  case live
  /// At no time: the file only shows what opening the host side found.
  case never

  /// What `classes/<class>/attributes/<name>/when` says.
  package var sentence: String {
    switch self {
    case .offline: "offline: while enabled is 0"
    case .untilOpen: "until-open: while no guest is attached"
    case .live: "live: at any time"
    case .never: "never: shows what was found when the device was enabled"
    }
  }
}

/// The directory of a device in which an attribute's file is.
package enum AttributePlace: Hashable, Sendable {
  /// The device's own.
  case device
  /// `limits`, for rates and bursts.
  case limits
}

/// One line of a class's attribute table: everything that the tree, the checks, the store and the
/// reference say about the attribute comes from here.
package final class AttributeSpec: Sendable {
  /// The file's name. Two attributes of a class may share one in different places.
  package let name: String
  /// Where its file is.
  package let place: AttributePlace
  /// What the value goes by in the model, the store and what an engine is given: the file's path
  /// within the device's directory.
  package let key: String
  package let help: String
  /// `bytes`, `microseconds`; empty where there is none.
  package let unit: String
  /// In canonical form; where each device has its own, a word for that, which may be written too.
  package let defaultText: String
  /// Draws the value that a new device gets for itself; it is stored like one that was written.
  package let initial: (@Sendable () -> String)?
  package let window: Window
  package let kind: ValueKind
  /// While the device is enabled the file shows what opening the host side found, not what was
  /// written (a size that was left to the file, a name that was a pattern).
  package let showsFact: Bool

  package init(
    _ name: String, _ kind: ValueKind, default defaultText: String,
    in place: AttributePlace = .device, window: Window = .offline, unit: String = "",
    showsFact: Bool = false, initial: (@Sendable () -> String)? = nil, help: String
  ) {
    self.name = name
    self.place = place
    key = place == .limits ? "limits/" + name : name
    self.kind = kind
    self.defaultText = defaultText
    self.window = window
    self.unit = unit
    self.showsFact = showsFact
    self.initial = initial
    self.help = help
  }
}
