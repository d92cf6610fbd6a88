import Interleaving
import Vbus

/// A driver that sends some entries through an ioq and waits for them, and a device that serves
/// until nobody rings any more.
enum IoqStages {
  struct Plan {
    var size = 2
    var entries = 2
    /// How many of them the device has something for; nil: all.
    var served: Int?
    var flow = Flow.toDevice
    /// Whether the driver looks again after it asked for bells, and whether the device does.
    var driverLooksAgain = true
    var deviceLooksAgain = true

    var due: Int { served ?? entries }
  }

  static func explore(
    _ order: Explorer.Order, _ plan: Plan = Plan(), driving: Mutation? = nil,
    serving: Mutation? = nil
  ) -> Explorer.Verdict {
    let byteCount = IoqLayout.headerByteCount + plan.size * IoqLayout.descriptorByteCount
    return Explorer(
      memory: [UInt8](repeating: 0, count: byteCount), order: order,
      programs: [driver(plan), device(plan)], mutations: [driving, serving]
    ) { (remarks, memory) in
      // Buffers that were written and not posted again are in use, and at least one is.
      let index = IoqLayout.Index.inUse
      let isFull =
        plan.flow == .fromDevice
        && memory[index + IoqLayout.Index.head] == memory[index + IoqLayout.Index.tail]
      return remarks[0][0] == plan.due && remarks[1][0] == plan.due
        && memory[index + IoqLayout.Index.full] == (isFull ? 1 : 0)
    }.run()
  }

  private static func driver(_ plan: Plan) -> Explorer.Program {
    { stage in
      guard let size = IoqSize(plan.size),
        var driver = try? IoqDriver(formatting: stage.words, size: size, flow: plan.flow)
      else { return }
      stage.start()
      do { try drive(&driver, plan, stage) } catch { stage.remark(-1) }
    }
  }

  private static func drive(
    _ driver: inout IoqDriver<ExploredWords>, _ plan: Plan, _ stage: Stage
  ) throws {
    var (posted, reaped) = (0, 0)
    while stage.goesOn {
      stage.mark(1, posted, reaped)
      while posted < plan.entries,
        driver.post(cookie: UInt64(posted), address: UInt64(posted), byteCount: 8) != nil
      { posted += 1 }
      if driver.publish() { stage.ring(1) }
      stage.mark(2, posted, reaped)
      let before = reaped
      while stage.goesOn, let completion = try driver.reap() {
        // Each comes back once, in order, with what the device wrote.
        let written = plan.flow == .toDevice ? 0 : UInt32(reaped + 1)
        guard completion.cookie == UInt64(reaped), completion.written == written else {
          return stage.remark(-1)
        }
        reaped += 1
        stage.remark(reaped)
        stage.mark(3, posted, reaped, before)
      }
      guard reaped < plan.due else { return }
      guard reaped == before else { continue }
      if driver.enableNotifications(), plan.driverLooksAgain { continue }
      stage.mark(4, posted, reaped)
      guard stage.wait() else { return }
      driver.disableNotifications()
    }
  }

  private static func device(_ plan: Plan) -> Explorer.Program {
    { stage in
      guard var device = try? IoqDevice(stage.words, flow: plan.flow) else { return }
      stage.start()
      var (taken, turns) = (0, 0)
      do {
        var isAwake = true
        while isAwake {
          try serve(&device, &taken, &turns, plan, stage)
          stage.mark(7, taken)
          isAwake = stage.wait()
        }
      } catch { stage.remark(-1) }
    }
  }

  private static func serve(
    _ device: inout IoqDevice<ExploredWords>, _ taken: inout Int, _ turns: inout Int,
    _ plan: Plan, _ stage: Stage
  ) throws {
    repeat {
      stage.mark(5, taken, min(turns, 1))
      // The first turn owes a bell.
      turns += 1
      device.disableNotifications()
      while stage.goesOn, taken < plan.due, let offer = try device.take() {
        guard offer.address == UInt64(taken), offer.byteCount == 8 else {
          return stage.remark(-1)
        }
        device.settle(offer.slot, written: UInt32(taken + 1))
        taken += 1
        stage.remark(taken)
      }
      device.publish()
      if device.shouldNotify() { stage.ring(0) }
      stage.mark(6, taken)
    } while device.enableNotifications() && plan.deviceLooksAgain && taken < plan.due
      && stage.goesOn
  }
}
