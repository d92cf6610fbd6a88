internal import FuseMount
internal import LinuxSystem
package import Model
internal import Tables

/// The model as directories, files and links.
///
/// A change is planned against the model, committed by the world together with the request and
/// its answer, applied, and only then answered. What needs another process answers later; while a
/// device has such an operation under way, later ones on it wait behind it in order. Looking
/// never waits. There is one call at a time.
package final class ConfigTree: Tree {
  let world: any World
  let layouts: [ClassLayout]
  package let model = Model()

  /// Who owns the directories that nobody made.
  let owner: Owner
  /// Stands in for the time of change of what is the same since the start.
  let started: UInt64
  var devicesChanged: UInt64
  var containersChanged: UInt64

  /// Devices whose host side or engine is gone. Not stored: a start tries again.
  let failures = NumberTable<Void>()
  /// The processes that are attached to containers.
  let members: Members
  /// Why the newest refused request was refused, and that request's number.
  var newestRefusal: (unique: UInt64, refusal: Refusal)?
  /// Links that are being made, by container.
  var plugging: [ObjectID: Plugging] = [:]
  private var busy: Set<ObjectID> = []
  private var waiting: [ObjectID: [Waiting]] = [:]
  /// The operations under way that can still be undone, by the numbers of their requests.
  private var undoable: [UInt64: Request] = [:]
  /// Those of them that are to be undone: their callers were let go.
  private var interrupted: Set<UInt64> = []

  private struct Waiting {
    let request: Request
    let run: () -> Void
  }

  /// Links being made in one container, whose dev-ids no row holds yet.
  struct Plugging {
    var count = 0
    var nextDevID: UInt64 = 0
  }

  /// In debug builds the model is checked after each change, up to this many objects: the check
  /// walks over all.
  private static let checkedObjectsMax: UInt64 = 256

  package init(_ catalogue: Catalogue, world: any World, owner: Owner) {
    self.world = world
    self.owner = owner
    layouts = catalogue.classes.enumerated().map { ClassLayout($0.element, at: $0.offset) }
    started = world.now
    devicesChanged = started
    containersChanged = started
    members = Members(since: started)
  }

  /// There are few classes: to compare names is quicker than to hash one.
  func layout(_ className: String) -> ClassLayout? {
    for layout in layouts where layout.table.name == className { return layout }
    return nil
  }

  func layout(of device: Device) -> ClassLayout? { device.className.flatMap(layout) }

  /// By the device's place in the model's table.
  func layout(at place: Int) -> ClassLayout? {
    model.devices[at: place].className.flatMap(layout)
  }

  // MARK: Changing

  /// Makes the changes durable, with the answer to the request that asked for them, and applies
  /// them.
  func commit(_ changes: [Change], _ request: Request?, _ answer: Answer) throws(Refusal) {
    do throws(TreeError) {
      try world.commit(changes, answering: request, with: answer)
    } catch { throw .notStored(errno: error.errno.rawValue) }
    model.apply(changes)
    assert(isSound)
  }

  private var isSound: Bool {
    guard model.objectCount <= Self.checkedObjectsMax else { return true }
    return (try? model.checkInvariants()) != nil
  }

  package func checkInvariants() throws(Model.Flaw) { try model.checkInvariants() }

  /// Runs the body of an operation. A refusal of it becomes an errno, and `last_error`.
  func operate(
    _ attempt: Attempt, _ body: () throws(Refusal) -> Answer
  ) throws(TreeError) -> Answer {
    do throws(Refusal) { return try body() } catch {
      record(error, attempt)
      throw TreeError(error.errno)
    }
  }

  // MARK: Order

  /// How long an operation waits behind others on its device, each of which may take seconds. One
  /// that came too late is refused, so that a crowd of them does not hold the last one for minutes.
  private static let waitNanosecondsMax: UInt64 = 10_000_000_000

  func isBusy(_ device: ObjectID) -> Bool { busy.contains(device) }

  /// Does `operation` again, from its start, when the one under way on `device` has ended.
  func wait(
    for device: ObjectID, _ request: Request,
    _ operation: @escaping () throws(TreeError) -> Answer
  ) -> Answer {
    let since = world.now
    let run = { [world] in
      let result: Result<Answer, TreeError>
      let now = world.now
      guard now < since || now - since < Self.waitNanosecondsMax else {
        return world.finish(request, .failure(TreeError(.timedOut)))
      }
      do throws(TreeError) { result = .success(try operation()) } catch {
        result = .failure(error)
      }
      if result != .success(.later) { world.finish(request, result) }
    }
    waiting[device, default: []].append(Waiting(request: request, run: run))
    return .later
  }

  /// Operations on `device` wait from here on, until `settle` or `release`.
  package func claim(_ device: ObjectID) { busy.insert(device) }

  /// Ends the operation under way on `device` with what `body` answers, and goes on with those
  /// that wait.
  func settle(_ device: ObjectID, _ attempt: Attempt, _ body: () throws(Refusal) -> Answer) {
    let result: Result<Answer, TreeError>
    do throws(TreeError) { result = .success(try operate(attempt, body)) } catch {
      result = .failure(error)
    }
    undoable[attempt.request.unique] = nil
    interrupted.remove(attempt.request.unique)
    world.finish(attempt.request, result)
    release(device)
  }

  /// Goes on with the operations that wait for `device`.
  package func release(_ device: ObjectID) {
    busy.remove(device)
    while !busy.contains(device), let next = waiting[device]?.first {
      waiting[device]?.removeFirst()
      if waiting[device]?.isEmpty == true { waiting[device] = nil }
      next.run()
    }
  }

  // MARK: Interrupting

  /// As `claim`, for an operation that can be undone until its changes are committed.
  func claim(_ device: ObjectID, untilCommitOf attempt: Attempt) {
    claim(device)
    undoable[attempt.request.unique] = attempt.request
  }

  /// Lets a caller go that a signal wants to end, at once. What waits is dropped. What is under way
  /// is undone as soon as the process at work on it answers; until then its device stays busy.
  /// What is committed already goes on to its end, which is near.
  package func interrupt(_ unique: UInt64) {
    for (device, operations) in waiting {
      guard let index = operations.firstIndex(where: { $0.request.unique == unique }) else {
        continue
      }
      let request = operations[index].request
      guard world.isEnding(callerOf: request) else { return }
      waiting[device]?.remove(at: index)
      return world.finish(request, .failure(TreeError(.interrupted)))
    }
    guard let request = undoable[unique], world.isEnding(callerOf: request) else { return }
    interrupted.insert(unique)
    world.finish(request, .failure(TreeError(.interrupted)))
  }

  /// Before the changes of an operation that took time are committed.
  func checkInterruption(_ attempt: Attempt) throws(Refusal) {
    guard !interrupted.contains(attempt.request.unique) else { throw .interrupted }
  }

  // MARK: Counting

  package var objectCount: (used: UInt64, limit: UInt64) {
    (model.objectCount, Model.objectCountMax)
  }
}
