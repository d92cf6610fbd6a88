/// The files of the tree that are always there. The numbers are part of node numbers: they may be
/// added to and never changed.
enum FixedFile: UInt16, CaseIterable {
  case root = 1
  case readme = 2
  case version = 3
  case lastError = 4
  case session = 8
  case sessionClasses = 9
  case classes = 16
  case devices = 17
  case containers = 18

  var name: String {
    switch self {
    case .root: ""
    case .readme: "README"
    case .version: "version"
    case .lastError: "last_error"
    case .session: "session"
    case .sessionClasses: "session_classes"
    case .classes: "classes"
    case .devices: "devices"
    case .containers: "containers"
    }
  }
}

/// The files of a device's directory that every class has, and the directory itself. `type` is
/// the lowest and `enabled` the highest, because cp(1) copies in the order of these numbers.
enum DeviceFile: UInt16, CaseIterable {
  case type = 0
  case directory = 1
  case status = 2
  case lastError = 3
  case features = 4
  case mask = 5
  case offered = 6
  case acked = 7
  case bits = 8
  case queues = 9
  case stats = 10
  case socket = 11
  case connect = 12
  case container = 13
  case limits = 14
  case enabled = 60000

  var name: String {
    switch self {
    case .type: "type"
    case .directory: ""
    case .status: "status"
    case .lastError: "last_error"
    case .features: "features"
    case .mask: "mask"
    case .offered: "offered"
    case .acked: "acked"
    case .bits: "bits"
    case .queues: "queues"
    case .stats: "stats"
    case .socket: "socket"
    case .connect: "connect"
    case .container: "container"
    case .limits: "limits"
    case .enabled: "enabled"
    }
  }

  /// What a device has before its type is written.
  static let untyped: [DeviceFile] = [.type, .status, .lastError]
  /// What it has besides once typed, around its class's attributes; `limits` too where the class
  /// has any.
  static let typed: [DeviceFile] = [
    .type, .status, .lastError, .features, .queues, .stats, .socket, .connect,
  ]
  static let inFeatures: [DeviceFile] = [.mask, .offered, .acked, .bits]
}

/// The files of `queues/<n>`, and the directory itself.
enum QueueFile: UInt16, CaseIterable {
  case directory = 0
  case size = 1
  case state = 2
  case indices = 3
  case kicks = 4
  case interrupts = 5

  var name: String {
    switch self {
    case .directory: ""
    case .size: "size"
    case .state: "state"
    case .indices: "indices"
    case .kicks: "kicks"
    case .interrupts: "interrupts"
    }
  }

  static let files: [QueueFile] = [.size, .state, .indices, .kicks, .interrupts]
}

/// The files of a container's directory, and the directory itself.
enum ContainerFile: UInt16, CaseIterable {
  case directory = 0
  case devices = 1
  case ids = 2
  case engine = 3
  case pid = 4
  case engineStatus = 5
  case restarts = 6
  case status = 7
  case lastError = 8
  case members = 9
  case allow = 10
  case socket = 11
  case count = 12

  var name: String {
    switch self {
    case .directory: ""
    case .devices: "devices"
    case .ids: "ids"
    case .members: "members"
    case .allow: "allow"
    case .count: "count"
    case .socket: "socket"
    case .engine: "engine"
    case .pid: "pid"
    case .engineStatus: "status"
    case .restarts: "restarts"
    case .status: "status"
    case .lastError: "last_error"
    }
  }

  static let inDirectory: [ContainerFile] = [
    .devices, .ids, .members, .socket, .engine, .status, .lastError,
  ]
  static let inEngine: [ContainerFile] = [.pid, .engineStatus, .restarts]
  /// What `members` has besides a directory for each process.
  static let inMembers: [ContainerFile] = [.allow, .count]
}

/// The files of `members/<pid>`, and the directory itself.
enum MemberFile: UInt16, CaseIterable {
  case directory = 0
  case uid = 1
  case since = 2
  case devices = 3

  var name: String {
    switch self {
    case .directory: ""
    case .uid: "uid"
    case .since: "since"
    case .devices: "devices"
    }
  }

  static let files: [MemberFile] = [.uid, .since, .devices]
}

/// What a link in a container brings: itself, and its directory in `ids`.
enum PlugFile: UInt16, CaseIterable {
  case link = 0
  case idDirectory = 1
  case idDevice = 2
  case idType = 3

  var name: String {
    switch self {
    case .link, .idDirectory: ""
    case .idDevice: "device"
    case .idType: "type"
    }
  }

  static let inIDDirectory: [PlugFile] = [.idDevice, .idType]
}

/// The files of `classes/<class>`, where `limits` is only where the class has any, and the
/// directory itself.
enum ClassFile: UInt16, CaseIterable {
  case directory = 0
  case description = 1
  case attributes = 2
  case features = 3
  case limits = 4

  var name: String {
    switch self {
    case .directory: ""
    case .description: "description"
    case .attributes: "attributes"
    case .features: "features"
    case .limits: "limits"
    }
  }

  static let inDirectory: [ClassFile] = [.description, .attributes, .features]
}

/// The files of `classes/<class>/attributes/<name>` and of `limits/<name>` beside it, and the
/// directory itself.
enum AttributeFile: UInt16, CaseIterable {
  case directory = 0
  case help = 1
  case values = 2
  case defaultText = 3
  case when = 4
  case unit = 5

  var name: String {
    switch self {
    case .directory: ""
    case .help: "help"
    case .values: "values"
    case .defaultText: "default"
    case .when: "when"
    case .unit: "unit"
    }
  }

  static let files: [AttributeFile] = [.help, .values, .defaultText, .when, .unit]
}
