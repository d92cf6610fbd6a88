import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("Callers that are interrupted while they wait")
struct InterruptTests {
  @Test("Who enables is let go, and what was opened for it is closed again")
  func enabling() throws {
    let bench = try Bench.withDisk()
    let request = try bench.begin("1", "devices/disk0/enabled")
    bench.tree.interrupt(request.unique)
    #expect(bench.world.finished[request.unique] == .failure(.interrupted))
    bench.world.run()
    #expect(try bench.cat("devices/disk0/status") == "offline\n")
    #expect(bench.world.openHosts.isEmpty)
  }

  @Test("Who enables a plugged device leaves nothing of it in the engine")
  func enablingPlugged() throws {
    let bench = try Bench.withDisk()
    try bench.ln("../../../devices/disk0", "containers/lab0/devices/disk0")
    let request = try bench.begin("1", "devices/disk0/enabled")
    bench.world.runOne()
    bench.tree.interrupt(request.unique)
    bench.world.run()
    #expect(try bench.cat("devices/disk0/status") == "offline\n")
    #expect(bench.world.live.isEmpty)
    #expect(bench.world.openHosts.isEmpty)
  }

  @Test("Who writes a value of a live device leaves it live with the old value")
  func value() throws {
    let bench = try Bench.withLiveDisk()
    let request = try bench.begin("abc", "devices/disk0/serial")
    bench.tree.interrupt(request.unique)
    bench.world.run()
    #expect(try bench.cat("devices/disk0/serial") == "\n")
    #expect(try bench.cat("devices/disk0/status") == "listening\n")
    #expect(bench.world.started.last?.values["serial"] == nil)
  }

  @Test("Who waits behind another is let go, and the other goes on")
  func waiting() throws {
    let bench = try Bench.withDisk()
    let first = try bench.begin("1", "devices/disk0/enabled")
    let second = try bench.begin("abc", "devices/disk0/serial")
    bench.tree.interrupt(second.unique)
    bench.world.run()
    #expect(bench.world.finished[first.unique] == .success(.done))
    #expect(bench.world.finished[second.unique] == .failure(.interrupted))
    #expect(try bench.cat("devices/disk0/serial") == "\n")
  }

  @Test("What is committed goes on to its end")
  func disabling() throws {
    let bench = try Bench.withLiveDisk()
    let request = try bench.begin("0", "devices/disk0/enabled")
    bench.tree.interrupt(request.unique)
    bench.world.run()
    #expect(bench.world.finished[request.unique] == .success(.done))
    #expect(try bench.cat("devices/disk0/status") == "offline\n")
  }

  @Test("A signal that does not end the caller changes nothing")
  func otherSignal() throws {
    let bench = try Bench.withDisk()
    bench.world.signalEnds = false
    let request = try bench.begin("1", "devices/disk0/enabled")
    bench.tree.interrupt(request.unique)
    bench.world.run()
    #expect(bench.world.finished[request.unique] == .success(.done))
  }

  @Test("An interruption that comes after the answer, or of nothing, changes nothing")
  func late() throws {
    let bench = try Bench.withDisk()
    let request = try bench.begin("1", "devices/disk0/enabled")
    bench.world.run()
    bench.tree.interrupt(request.unique)
    bench.tree.interrupt(.max)
    #expect(try bench.cat("devices/disk0/status") == "enabled\n")
  }

  @Test("last_error says that nothing was changed")
  func reason() throws {
    let bench = try Bench.withDisk()
    let request = try bench.begin("1", "devices/disk0/enabled")
    bench.tree.interrupt(request.unique)
    bench.world.run()
    #expect(try bench.cat("devices/disk0/last_error").contains("errno: EINTR "))
  }
}
