import LinuxSystem
import Testing

@testable import FuseMount

@Suite("Requests of the kernel are answered as its protocol wants")
struct FuseMountTests {
  // MARK: Agreeing

  @Test("An older kernel keeps its minor version and is answered in full")
  func olderKernel() throws {
    let agreed = try PlayedKernel().answer(to: 26, [7, 23, 131_072, 0x1f_ffff])
    let answer = try #require(agreed)
    #expect(answer.errno == nil)
    #expect(answer.byteCount == 80)
    #expect(answer.body.count == 64)
    #expect([answer.word(0), answer.word(1)] == [7, 23])
  }

  @Test("A newer kernel, whose request is longer, gets our minor version")
  func newerKernel() throws {
    let wish: [UInt32] = [7, 1000, 131_072, .max] + [UInt32](repeating: 0, count: 12)
    let answer = try #require(try PlayedKernel().answer(to: 26, wish))
    #expect(answer.body.count == 64)
    #expect(answer.word(0) == 7)
    #expect(answer.word(1) < 1000)
  }

  @Test("No flag is agreed upon that the kernel does not know")
  func unknownFlags() throws {
    let answer = try #require(try PlayedKernel().answer(to: 26, [7, 23, 131_072, 0]))
    #expect(answer.word(3) == 0)
  }

  @Test("A kernel of an older major version is refused with EPROTO")
  func olderMajor() throws {
    let answer = try PlayedKernel().answer(to: 26, [6, 23, 131_072, 0])
    #expect(answer?.errno == .wrongProtocol)
  }

  // MARK: Answering

  @Test("An answer bears its request's number and frees its slot")
  func answerFreesSlot() throws {
    let kernel = try PlayedKernel()
    let answer = try kernel.answer(to: 3, [0, 0, 0, 0])
    #expect(answer?.unique == 2)
    #expect(answer?.body.count == 104)
    #expect(kernel.slots.occupied == [])
  }

  @Test("A FORGET gets no answer and frees its slot")
  func forgetIsSilent() throws {
    let kernel = try PlayedKernel()
    #expect(try kernel.answer(to: 2, [1, 0]) == nil)
    #expect(kernel.slots.occupied == [])
  }

  @Test(
    "What is not there is refused with ENOSYS, which the kernel remembers",
    arguments: [22, 30, 31, 34, 39, 43, 46, 47, 50, 51, 52, 4096] as [UInt32])
  func notThere(operation: UInt32) throws {
    let answer = try PlayedKernel().answer(to: operation, [0, 0, 0, 0, 0, 0])
    #expect(answer?.errno == .notImplemented)
  }

  @Test("A request that is too short for its operation is refused with EINVAL")
  func tooShort() throws {
    let answer = try PlayedKernel().answer(to: 15, node: 2, [1, 0])
    #expect(answer?.errno == .invalid)
  }

  @Test("A write of more than arrived is refused with EINVAL")
  func tooLittleData() throws {
    let wish: [UInt32] = [1, 0, 0, 0, 100, 0, 0, 0, 0, 0]
    #expect(try PlayedKernel().answer(to: 16, node: 2, wish, "abc")?.errno == .invalid)
  }

  @Test("A read behind any end gives nothing")
  func readsBehindEnd() throws {
    let wish: [UInt32] = [1, 0, .max, 0x7fff_ffff, 4096, 0, 0, 0, 0, 0]
    let answer = try #require(try PlayedKernel().answer(to: 15, node: 2, wish))
    #expect(answer.errno == nil)
    #expect(answer.body == [])
  }

  @Test("An exchange of two names is refused with EINVAL")
  func exchange() throws {
    let answer = try PlayedKernel().answer(to: 45, [1, 0, 2, 0], "old\0new\0")
    #expect(answer?.errno == .invalid)
  }

  @Test("A refusal reaches the kernel as its errno")
  func refusal() throws {
    let answer = try PlayedKernel(refusal: .noSpace).answer(to: 11, [], "name\0")
    #expect(answer?.errno == .noSpace)
  }

  @Test(
    "An errno that the kernel does not take becomes EIO",
    arguments: [0, -5, 512, 1000, .max, .min] as [Int32])
  func noErrno(number: Int32) throws {
    let answer = try PlayedKernel(refusal: Errno(rawValue: number)).answer(to: 11, [], "name\0")
    #expect(answer?.errno == .inputOutput)
    #expect(answer?.byteCount == 16)
  }

  // MARK: Slots

  @Test("Requests that lie in slots are served in the kernel's order")
  func order() throws {
    let kernel = try PlayedKernel()
    try kernel.leave(3, [0, 0, 0, 0], slot: 7)
    try kernel.leave(3, [0, 0, 0, 0], slot: 2)
    try kernel.serve()
    #expect(try [kernel.answer(), kernel.answer()].map { $0?.unique } == [6, 16])
  }

  @Test("A request that ended eight successors is answered with EIO")
  func poisoned() throws {
    let kernel = try PlayedKernel()
    try kernel.leave(3, [0, 0, 0, 0])
    #expect((1...8).map { _ in kernel.slots.noteAttempt(on: 0) } == Array(1...8))
    try kernel.serve()
    #expect(try kernel.answer()?.errno == .inputOutput)
    #expect(kernel.slots.occupied == [])
  }

  @Test("A read that fails leaves its slot free, whatever arrived of a request")
  func failedRead() throws {
    let kernel = try PlayedKernel()
    try kernel.leave(9, [0o755, 0], "name\0")
    let directory = try open("/", [.readOnly, .directory])
    #expect(throws: Errno.isDirectory) { try kernel.slots.read(from: directory, into: 0) }
    #expect(kernel.slots.occupied == [])
  }
}
