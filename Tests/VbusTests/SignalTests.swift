import LinuxSystem
import SharedMemory
import Testing
import Vbus

@Suite("A signal says when to ring")
struct SignalTests {
  @Test("A burst rings once")
  func burst() throws {
    let (north, south) = try ends()
    var hearer = south
    _ = hearer.enable()
    let answers = [north.inject(), north.inject(), north.inject()]
    #expect(answers == [true, false, false])
  }

  @Test("After a wake-up the next change rings again")
  func again() throws {
    let (north, south) = try ends()
    var hearer = south
    _ = hearer.enable()
    let answers = [
      north.inject(), hearer.begin(), hearer.finish(), north.inject(), hearer.begin(),
    ]
    #expect(answers == [true, true, false, true, true])
  }

  @Test("A change during a wake-up is looked at without a bell")
  func during() throws {
    let (north, south) = try ends()
    var hearer = south
    _ = hearer.enable()
    let answers = [
      north.inject(), hearer.begin(), north.inject(), hearer.finish(), hearer.begin(),
      hearer.finish(),
    ]
    #expect(answers == [true, true, false, true, true, false])
  }

  @Test("Nobody rings for who did not ask for it, and asking tells what was missed")
  func masked() throws {
    let (north, south) = try ends()
    var hearer = south
    let answers = [north.inject(), hearer.begin(), hearer.enable(), hearer.begin()]
    #expect(answers == [false, false, true, true])
  }

  @Test("A wake-up without a reason does nothing")
  func noReason() throws {
    let (_, south) = try ends()
    var hearer = south
    let answers = [hearer.enable(), hearer.begin()]
    #expect(answers == [false, false])
  }

  @Test("The layout is that of the facts: three bytes for each side behind magic and version")
  func layout() throws {
    let (file, _, _) = try parts()
    let (north, _) = try ends(file)
    _ = north.inject()
    #expect(
      file.bytes(at: 0, byteCount: 16)
        == [0xdf, 0x39, 0xfa, 0x58, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
  }

  @Test("Another magic number is refused")
  func magic() throws {
    let (file, window, _) = try parts()
    ShmSignalLayout.format(window, at: 0)
    file.setBytes([1, 2, 3, 4], at: 0)
    #expect(throws: RingFault.wrongMagic(0x0403_0201)) {
      try WindowSignal(window, at: 0, as: .south)
    }
  }

  @Test("Another version is refused")
  func version() throws {
    let (file, window, _) = try parts()
    ShmSignalLayout.format(window, at: 0)
    file.setBytes([2], at: 4)
    #expect(throws: RingFault.wrongVersion(2)) { try WindowSignal(window, at: 0, as: .south) }
  }

  @Test("What the peer writes over our own byte changes nothing")
  func overwritten() throws {
    let (file, _, _) = try parts()
    let (north, south) = try ends(file)
    var hearer = south
    _ = hearer.enable()
    _ = north.inject()
    file.setBytes([0], at: ShmSignalLayout.enabled(.south))
    let begins = hearer.begin()
    #expect(begins)
  }

  private func parts() throws -> (SharedFile, SharedWindow, Descriptor) {
    let memory = try makeMemoryFile("signal", byteCount: 4096)
    let file = try SharedFile(mapping: memory, byteCount: 4096, writable: true)
    return (file, file.window(at: 0, byteCount: 16), memory)
  }

  private func ends(
    _ file: SharedFile? = nil
  ) throws -> (WindowSignal, WindowSignal) {
    let window = try file?.window(at: 0, byteCount: 16) ?? parts().1
    ShmSignalLayout.format(window, at: 0)
    return (
      try WindowSignal(window, at: 0, as: .north), try WindowSignal(window, at: 0, as: .south)
    )
  }
}
