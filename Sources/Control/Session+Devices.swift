internal import ConfigTree
internal import FuseMount
internal import LinuxSystem
internal import Model

/// What a session's requests do in the tree.
extension Session {
  /// The node of something that the session just made, and its name.
  private struct Made {
    let node: NodeID
    let name: String
  }

  /// Containers of one process, and devices of one class, are told apart by a number, which is
  /// tried so often.
  private static let numbersMax = 1000

  func serve(_ request: SessionRequest) {
    switch request {
    case .hello: greet()
    case .device(let className, let attributes):
      guard let container else { return answer(.failure(Self.noContainer)) }
      makeDevice(className, attributes, in: container)
    case .remove(let name): remove(name)
    }
  }

  private static let noContainer = SessionRefusal(
    .notConnected, "the session has no container", accepted: "first hello 1")

  // MARK: The container

  private func greet() {
    if let container {
      guard answeredCount > 0 else { return answer(.success(greeting(container))) }
      let refusal = SessionRefusal(.exists, "the session has its container already")
      return answer(.failure(refusal))
    }
    let name = Self.freeName("\(Self.command(of: pid))-\(pid)") {
      tree.model.container(named: $0) == nil
    }
    perform(at: "containers") { (directory, request) throws(TreeError) in
      try self.tree.makeDirectory(
        Array(name.utf8), in: directory, permissions: Self.permissions, request)
    } then: { [self] outcome in
      answer(
        outcome.flatMap { _ in
          container.map { .success(greeting($0)) } ?? .failure(Self.noContainer)
        })
    }
  }

  private static let permissions: UInt32 = 0o755

  private func greeting(_ container: Container) -> String {
    "ok \(SessionRequest.version) \(container.name.text) "
      + "\(sessions.control.containerSocketDirectory)/\(container.name.text)"
  }

  /// `<base>-<number>`, with the first number that is free. What is no name is refused when it is
  /// used.
  private static func freeName(_ base: String, isFree: (Name) -> Bool) -> String {
    let number = (0..<numbersMax).first { number in
      (try? Name("\(base)-\(number)")).map(isFree) ?? true
    }
    return "\(base)-\(number ?? numbersMax)"
  }

  /// What the process called itself when it asked, as a name of the tree.
  private static func command(of pid: Int32) -> String {
    let bytes = (try? readFile("/proc/\(pid)/comm")) ?? []
    let letters = bytes.prefix { $0 != UInt8(ascii: "\n") }.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    return letters.isEmpty ? "process" : String(decoding: letters, as: UTF8.self)
  }

  // MARK: Devices

  private func makeDevice(
    _ className: String, _ attributes: [SessionRequest.Attribute], in container: Container
  ) {
    let name = Self.freeName("\(container.name.text)-\(className)") {
      tree.model.device(named: $0) == nil
    }
    let writes =
      [SessionRequest.Attribute(path: "type", value: className)] + attributes
      + [SessionRequest.Attribute(path: "enabled", value: "1")]
    perform(at: "devices") { (directory, request) throws(TreeError) in
      try self.tree.makeDirectory(
        Array(name.utf8), in: directory, permissions: Self.permissions, request)
    } then: { [self] outcome in
      switch outcome {
      case .success(.entry(let node)):
        write(writes[...], Made(node: node, name: name), container)
      case .success: answer(.failure(Self.noContainer))
      case .failure(let refusal): answer(.failure(refusal))
      }
    }
  }

  /// Writes one after the other, then plugs the device in.
  private func write(
    _ attributes: ArraySlice<SessionRequest.Attribute>, _ device: Made, _ container: Container
  ) {
    guard let next = attributes.first else { return plug(device, container) }
    guard let file = node(next.path, from: device.node) else {
      return giveUp(
        device, SessionRefusal(.noEntry, "the device has no attribute \(next.path)"))
    }
    sessions.perform(at: file, for: self) { request throws(TreeError) in
      try tree.store(Array(next.value.utf8), in: file, isContinuation: false, request)
    } then: { [self] outcome in
      switch outcome {
      case .success: write(attributes.dropFirst(), device, container)
      case .failure(let refusal): giveUp(device, refusal)
      }
    }
  }

  private func plug(_ device: Made, _ container: Container) {
    perform(at: "containers/\(container.name.text)/devices") {
      (directory, request) throws(TreeError) in
      try self.tree.makeLink(
        Array(device.name.utf8), in: directory, to: Array("devices/\(device.name)".utf8), request)
    } then: { [self] outcome in
      switch outcome {
      case .success:
        let plug = self.device(named: device.name).flatMap { tree.model.plug(of: $0) }
        answer(.success("ok \(device.name) \(plug?.devID.map { String($0.rawValue) } ?? "")"))
      case .failure(let refusal): giveUp(device, refusal)
      }
    }
  }

  /// Takes back what was made of a device, then answers why it is not there.
  private func giveUp(_ device: Made, _ refusal: SessionRefusal) {
    guard let id = self.device(named: device.name) else { return answer(.failure(refusal)) }
    removeDevice(id) { [self] _ in answer(.failure(refusal)) }
  }

  private func remove(_ name: String) {
    guard let id = device(named: name), tree.model.sessionMarks[id]?.session == self.id else {
      // A predecessor may have removed it and not said so.
      let refusal = SessionRefusal(.noEntry, "the session has no such device")
      return answer(isTakenUp ? .success("ok") : .failure(refusal))
    }
    removeDevice(id) { [self] refusal in
      answer(refusal.map { .failure($0) } ?? .success("ok"))
    }
  }

  // MARK: Removing

  /// Takes back what a predecessor made for the request that it did not answer. The container
  /// stays: it is what `hello` asks for.
  func takeBack(then: @escaping () -> Void) {
    guard isTakenUp else { return then() }
    let started = tree.model.objects(of: id).first { object in
      tree.model.devices[object] != nil
        && (tree.model.sessionMarks[object]?.request ?? 0) > answeredCount
    }
    guard let started else { return then() }
    removeDevice(started) { [self] refusal in
      // What cannot go now goes with the session.
      if refusal == nil { takeBack(then: then) } else { then() }
    }
  }

  /// Removes all that is the session's. `then` gets the first refusal.
  func removeObjects(then: @escaping (SessionRefusal?) -> Void) {
    guard let object = tree.model.objects(of: id).last else { return then(nil) }
    let remove = tree.model.devices[object] != nil ? removeDevice : removeContainer
    remove(object) { [self] refusal in
      if let refusal { then(refusal) } else { removeObjects(then: then) }
    }
  }

  /// Unplugs, disables and removes, whatever of that is still to be done.
  private func removeDevice(_ id: ObjectID, then: @escaping (SessionRefusal?) -> Void) {
    guard let device = tree.model.devices[id] else { return then(nil) }
    let goOn = step(then) { [self] in removeDevice(id, then: then) }
    if let plug = tree.model.plug(of: id) { return unplug(plug, then: goOn) }
    if device.isEnabled, let directory = tree.directory(of: id),
      let file = node("enabled", from: directory)
    {
      return sessions.perform(at: file, for: self) { request throws(TreeError) in
        try tree.store(Array("0".utf8), in: file, isContinuation: false, request)
      } then: {
        goOn($0)
      }
    }
    perform(at: "devices") { (directory, request) throws(TreeError) in
      try self.tree.removeDirectory(device.name.bytes, in: directory, request)
    } then: {
      goOn($0)
    }
  }

  /// Somebody may have plugged another device in: it is unplugged.
  private func removeContainer(_ id: ObjectID, then: @escaping (SessionRefusal?) -> Void) {
    guard let container = tree.model.containers[id] else { return then(nil) }
    let goOn = step(then) { [self] in removeContainer(id, then: then) }
    if let plug = tree.model.plugs(in: id).first { return unplug(plug, then: goOn) }
    perform(at: "containers") { (directory, request) throws(TreeError) in
      try self.tree.removeDirectory(container.name.bytes, in: directory, request)
    } then: {
      goOn($0)
    }
  }

  /// What follows a step of a removal: `next`, or the end of it with a refusal.
  private func step(
    _ end: @escaping (SessionRefusal?) -> Void, next: @escaping () -> Void
  ) -> (Sessions.Outcome) -> Void {
    { outcome in
      if case .failure(let refusal) = outcome { end(refusal) } else { next() }
    }
  }

  private func unplug(_ plug: Plug, then: @escaping (Sessions.Outcome) -> Void) {
    let container = tree.model.containers[plug.container]?.name.text ?? ""
    perform(at: "containers/\(container)/devices") { (directory, request) throws(TreeError) in
      try self.tree.removeFile(plug.linkName.bytes, in: directory, request)
    } then: {
      then($0)
    }
  }

  private func device(named name: String) -> ObjectID? {
    (try? Name(name)).flatMap { tree.model.device(named: $0) }
  }

  // MARK: Paths

  private func perform(
    at path: String, _ operation: (NodeID, Request) throws(TreeError) -> Answer,
    then: @escaping (Sessions.Outcome) -> Void
  ) {
    guard let directory = node(path, from: .root) else {
      return then(.failure(SessionRefusal(.noEntry, "\(path) is gone")))
    }
    sessions.perform(at: directory, for: self) { request throws(TreeError) in
      try operation(directory, request)
    } then: {
      then($0)
    }
  }

  private func node(_ path: String, from directory: NodeID) -> NodeID? {
    var node = directory
    for name in path.utf8.split(separator: UInt8(ascii: "/")) {
      guard let next = try? tree.lookup(Array(name).span, in: node) else { return nil }
      node = next
    }
    return node
  }
}
