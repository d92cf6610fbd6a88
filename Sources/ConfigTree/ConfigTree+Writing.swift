package import FuseMount
internal import LinuxSystem
internal import Model

extension ConfigTree {
  /// No value is longer: the longest is a path.
  private static let valueByteCountMax = 4096

  package func store(
    _ text: [UInt8], in file: NodeID, isContinuation: Bool, _ request: Request
  ) throws(TreeError) -> Answer {
    let node: Node
    // The file was open when its device went.
    do throws(TreeError) { node = try resolve(file) } catch { throw TreeError(.noDevice) }
    if let device = device(node), isBusy(device) {
      return wait(for: device, request) { () throws(TreeError) in
        try self.store(text, in: file, isContinuation: isContinuation, request)
      }
    }
    let attempt = Attempt(request, at: file, value: text)
    return try operate(attempt) { () throws(Refusal) in
      guard kind(of: node) != .directory else { throw .isADirectory }
      guard isWritable(node) else { throw .readOnlyFile }
      try checkOpener(request)
      guard !isContinuation else { throw .valueInParts }
      let value = try line(text)
      switch node {
      case .device(let id, let node):
        guard let device = model.devices[id] else { throw .noSuchEntry }
        return try write(value, to: node, of: device, attempt)
      case .container(let id, .allow): return try write(allow: value, id, attempt)
      case .fixed(.sessionClasses): return try write(sessionClasses: value, attempt)
      case .fixed, .ofClass, .container, .plug, .member: throw .readOnlyFile
      }
    }
  }

  private func write(
    _ value: String, to node: DeviceNode, of device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    switch node {
    case .file(.type): try write(type: value, device, attempt)
    case .file(.enabled): try write(enabled: value, device, attempt)
    case .file(.mask): try write(mask: value, device, attempt)
    case .bit(let bit): try write(bit: bit, value, device, attempt)
    case .attribute(let index): try write(attribute: index, value, device, attempt)
    case .file, .counter, .queue: throw .readOnlyFile
    }
  }

  /// What a write asks for happens with the rights of who writes. A program that runs with more
  /// rights than its user must not be lent to him by handing it an open file as its output.
  private func checkOpener(_ request: Request) throws(Refusal) {
    guard let opener = request.opener, opener.uid != 0 else { return }
    guard opener.uid == request.uid, opener.gid == request.gid else { throw .openedByOther }
  }

  /// The value in a write: one line, with or without the newline at its end.
  private func line(_ bytes: [UInt8]) throws(Refusal) -> String {
    let value = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
    guard value.count <= Self.valueByteCountMax else {
      throw .valueTooLong(byteCountMax: Self.valueByteCountMax)
    }
    guard !value.contains(0), !value.contains(UInt8(ascii: "\n")),
      let text = String(validating: value, as: UTF8.self)
    else { throw .notText }
    return text
  }

  private func write(
    type name: String, _ device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    if let type = device.className { throw .alreadyTyped(type) }
    guard let table = layout(name)?.table else {
      let names = layouts.map(\.table.name).joined(separator: " ")
      throw .unknownClass(accepted: names)
    }
    try checkSession(attempt.request, mayMake: name)
    var typed = device
    typed.className = name
    typed.changed = world.now
    let initial = table.attributes.compactMap { attribute in
      attribute.initial.map { draw in
        Change.putValue(
          device: device.id, attribute: attribute.key,
          value: StoredValue(
            text: draw(), writer: writer(attempt.request, of: attribute), changed: world.now))
      }
    }
    try commit([.putDevice(typed)] + initial, attempt.request, .done)
    wake(device.id, [.type, .status])
    return .done
  }

  private func write(
    attribute index: Int, _ text: String, _ device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    guard let attribute = layout(of: device)?.table.attributes[index] else { throw .noSuchEntry }
    try checkWindow(attribute.window, of: device)
    let drawn = text == attribute.defaultText ? attribute.initial?() : nil
    let canonical = try attribute.kind.canonical(drawn ?? text)
    if attribute.kind == .path, isInOwnTree(canonical) { throw .pathInOwnTree }
    let value = StoredValue(
      text: canonical, writer: writer(attempt.request, of: attribute), changed: world.now)
    var changed = device
    changed.values[attribute.key] = value
    let change = Change.putValue(device: device.id, attribute: attribute.key, value: value)
    if attribute.window == .live {
      return try takeLive(changed, insteadOf: device, attribute, change, attempt)
    }
    return try take(changed, insteadOf: device, [change], attempt)
  }

  /// Whose rights count for what a value asks for. What can be written while the device is enabled,
  /// and no guest has it, does not touch the host side: nothing is opened with the writer's groups.
  private func writer(_ request: Request, of attribute: AttributeSpec) -> Credentials {
    let groups = attribute.window == .untilOpen ? [] : world.groups(of: request)
    return Credentials(uid: request.uid, gid: request.gid, groups: groups)
  }

  /// By the text alone; what leads here by other spellings the opening finds out, and what leads
  /// out again by `..` too.
  private func isInOwnTree(_ path: String) -> Bool {
    guard path == world.mountPoint || path.hasPrefix(world.mountPoint + "/") else { return false }
    return !path.split(separator: "/").contains("..")
  }

  private func checkWindow(_ window: Window, of device: Device) throws(Refusal) {
    switch window {
    case .offline: guard !device.isEnabled else { throw .windowClosed(window) }
    case .untilOpen:
      let isOpen = model.isLive(device.id) && world.liveState(of: device.id)?.isConnected == true
      guard !isOpen else { throw .windowClosed(window) }
    case .live: return
    case .never: throw .readOnlyFile
    }
  }

  private static let maskAccepted = "0x and up to 16 hexadecimal digits, bit 32 set"

  private func write(
    mask text: String, _ device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    let digits = text.dropFirst(2)
    guard text.hasPrefix("0x"), digits.utf8.first != UInt8(ascii: "+"),
      let mask = UInt64(digits, radix: 16)
    else { throw .malformed(accepted: Self.maskAccepted) }
    return try write(mask: mask, device, attempt)
  }

  private func write(
    mask: UInt64, _ device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    try checkWindow(.untilOpen, of: device)
    guard mask & FeatureSpec.version1 != 0 else { throw .maskLacksVersion1 }
    var changed = device
    changed.mask = mask
    changed.changed = world.now
    return try take(changed, insteadOf: device, [.putDevice(changed)], attempt)
  }

  /// Takes what the file shows as well as 0 and 1. `off` is also what a bit shows that the values
  /// do not allow; written back it leaves the mask alone, so that a copy is a copy.
  private func write(
    bit: Int, _ text: String, _ device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    let isOn: Bool? =
      switch text {
      case "offered", "acked": true
      default: ValueKind.boolean(text)
      }
    guard let isOn else { throw .malformed(accepted: "0 or 1 (also off, offered or acked)") }
    let bit: UInt64 = 1 << UInt64(bit)
    let keeps = text == "off" && offered(by: device) & bit == 0
    let mask = isOn || keeps ? device.mask | (isOn ? bit : 0) : device.mask & ~bit
    return try write(mask: mask, device, attempt)
  }

  /// Puts a device's new values in force: at once, or, where an engine has the device, by ending
  /// it there and beginning it anew, which no guest sees, for none is attached.
  private func take(
    _ changed: Device, insteadOf old: Device, _ changes: [Change], _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    let table = layout(of: changed)?.table
    if changed.isEnabled, let table { try table.validate(table.values(of: changed)) }
    guard model.isLive(old.id), let (container, devID) = place(of: old.id) else {
      return try put(changes, of: old.id, attempt)
    }
    try checkUnique(changed, in: container.id)
    claim(old.id, untilCommitOf: attempt)
    world.stop(old.id) { [self] in
      world.start(changed, in: container, as: devID) { [self] result in
        if case .failure(let refusal) = result {
          return goBack(to: old, container, devID, .host(refusal), attempt)
        }
        do throws(Refusal) {
          try checkInterruption(attempt)
          // Another device may have become live in the meantime.
          try checkUnique(changed, in: container.id)
        } catch {
          return world.stop(old.id) { self.goBack(to: old, container, devID, error, attempt) }
        }
        settle(old.id, attempt) { () throws(Refusal) in
          try put(changes, of: old.id, attempt)
        }
      }
    }
    return .later
  }

  func put(
    _ changes: [Change], of device: ObjectID, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    try commit(changes, attempt.request, .done)
    world.changed(attempt.node)
    wake(device, [.offered])
    return .done
  }

  /// The engine did not take the new values: the old ones go on.
  private func goBack(
    to old: Device, _ container: Container, _ devID: DevID, _ refusal: Refusal,
    _ attempt: Attempt
  ) {
    world.start(old, in: container, as: devID) { [self] result in
      if case .failure(let failure) = result { hostFailed(old.id, failure) }
      settle(old.id, attempt) { () throws(Refusal) in throw refusal }
    }
  }

  /// Where a device is plugged in.
  func place(of device: ObjectID) -> (Container, DevID)? {
    guard let plug = model.plug(of: device), let devID = plug.devID,
      let container = model.containers[plug.container]
    else { return nil }
    return (container, devID)
  }

  func wake(_ device: ObjectID, _ files: [DeviceFile]) {
    for file in files { world.changed(Node.device(device, .file(file)).id) }
  }
}
