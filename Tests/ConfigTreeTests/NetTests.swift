import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("Network cards in the tree")
struct NetTests {
  /// A tree with one container and two typed cards.
  private func bench() throws -> Bench {
    let bench = Bench()
    bench.world.hostResult = .success(HostSide(facts: [:]))
    try bench.mkdir("containers/lab0")
    for name in ["a", "b"] {
      try bench.mkdir("devices/\(name)")
      try bench.echo("net", "devices/\(name)/type")
    }
    return bench
  }

  private func plug(_ name: String, _ bench: Bench) throws {
    try bench.ln("devices/\(name)", "containers/lab0/devices/\(name)")
  }

  @Test("Each card draws an address of its own, which is stored like one that was written")
  func draws() throws {
    let bench = try bench()
    let mac = try bench.cat("devices/a/mac")
    #expect(MACAddress(String(mac.dropLast())) != nil)
    #expect(try bench.cat("devices/b/mac") != mac)
    #expect(try bench.cat("devices/a/mac") == mac)
    let device = try bench.device("a")
    #expect(bench.replayed().model.devices[device]?.values["mac"]?.text == String(mac.dropLast()))
  }

  @Test("The default, written, draws another address")
  func redraws() throws {
    let bench = try bench()
    let mac = try bench.cat("devices/a/mac")
    #expect(try bench.cat("classes/net/attributes/mac/default") == "random\n")
    try bench.echo("random", "devices/a/mac")
    #expect(try bench.cat("devices/a/mac") != mac)
  }

  @Test("A live card's address is refused to another at enabled: EADDRINUSE and who has it")
  func enableEqual() throws {
    let bench = try bench()
    for name in ["a", "b"] {
      try bench.echo("02:00:00:00:00:01", "devices/\(name)/mac")
      try plug(name, bench)
    }
    try bench.echo("1", "devices/a/enabled")
    #expect(throws: TreeError(.addressInUse)) { try bench.echo("1", "devices/b/enabled") }
    #expect(
      try bench.cat("devices/b/last_error")
        .contains("reason: devices/a, live in the same container, has the same mac\n"))
    #expect(try bench.cat("devices/b/enabled") == "0\n")
    try bench.echo("02:00:00:00:00:02", "devices/b/mac")
    try bench.echo("1", "devices/b/enabled")
  }

  @Test("A live card's address is refused to another when it is plugged in")
  func plugEqual() throws {
    let bench = try bench()
    for name in ["a", "b"] {
      try bench.echo("02:00:00:00:00:01", "devices/\(name)/mac")
      try bench.echo("1", "devices/\(name)/enabled")
    }
    try plug("a", bench)
    #expect(throws: TreeError(.addressInUse)) { try plug("b", bench) }
    try bench.mkdir("containers/lab1")
    try bench.ln("devices/b", "containers/lab1/devices/b")
  }

  @Test("A live card does not take the address of another")
  func writeEqual() throws {
    let bench = try bench()
    for name in ["a", "b"] {
      try bench.echo("1", "devices/\(name)/enabled")
      try plug(name, bench)
    }
    let mac = try bench.cat("devices/a/mac").dropLast()
    let own = try bench.cat("devices/b/mac")
    #expect(throws: TreeError(.addressInUse)) { try bench.echo(String(mac), "devices/b/mac") }
    #expect(try bench.cat("devices/b/mac") == own)
  }

  @Test("Two cards that become equal at the same time: the second one stays as it was")
  func racingEqual() throws {
    let bench = try bench()
    try bench.echo("1", "devices/a/enabled")
    try plug("a", bench)
    try bench.echo("02:00:00:00:00:01", "devices/b/mac")
    try plug("b", bench)
    let own = try bench.cat("devices/a/mac")
    let enabling = try bench.begin("1", "devices/b/enabled")
    let writing = try bench.begin("02:00:00:00:00:01", "devices/a/mac")
    bench.world.run()
    let results = [writing, enabling].map { bench.world.finished[$0.unique] }
    #expect(results == [.failure(TreeError(.addressInUse)), .success(.done)])
    #expect(try bench.cat("devices/a/mac") == own)
    #expect(bench.world.started.last?.values["mac"]?.text == String(own.dropLast()))
  }

  @Test(
    "What a card cannot have is refused with EINVAL",
    arguments: [
      ("mac", "01:00:5e:00:00:01"), ("mac", "02:00:00:00:00"), ("mac", ""), ("mtu", "67"),
      ("mtu", "65522"), ("ifname", "1234567890123456"), ("ifname", "a/b"), ("bridge", "a b"),
      ("host_mac", "ff:ff:ff:ff:ff:ff"), ("link", "on"), ("backend", "user"),
      ("num_queue_pairs", "2"), ("path", "s"),
    ])
  func refused(attribute: String, value: String) throws {
    let bench = try bench()
    let before = try bench.cat("devices/a/\(attribute)")
    #expect(throws: TreeError.invalid) { try bench.echo(value, "devices/a/\(attribute)") }
    #expect(try bench.cat("devices/a/\(attribute)") == before)
  }

  @Test("A stream without a path, and a tap with the guest's address, are not enabled")
  func incomplete() throws {
    let bench = try bench()
    try bench.echo("stream", "devices/a/backend")
    #expect(throws: TreeError.invalid) { try bench.echo("1", "devices/a/enabled") }
    try bench.echo("tap", "devices/b/backend")
    try bench.echo(String(bench.cat("devices/b/mac").dropLast()), "devices/b/host_mac")
    #expect(throws: TreeError.invalid) { try bench.echo("1", "devices/b/enabled") }
  }

  @Test("A bit goes with all that needs it", arguments: ["csum", "guest_csum"])
  func needs(bit: String) throws {
    let bench = try bench()
    let side = bit == "csum" ? "host" : "guest"
    #expect(try bench.cat("devices/a/features/bits/\(side)_ecn") == "offered\n")
    try bench.echo("0", "devices/a/features/bits/\(bit)")
    #expect(try bench.cat("devices/a/features/bits/\(side)_tso4") == "off\n")
    #expect(try bench.cat("devices/a/features/bits/\(side)_tso6") == "off\n")
    #expect(try bench.cat("devices/a/features/bits/\(side)_ecn") == "off\n")
  }

  @Test("ECN stays as long as one kind of large frames does")
  func needsAny() throws {
    let bench = try bench()
    try bench.echo("0", "devices/a/features/bits/host_tso4")
    #expect(try bench.cat("devices/a/features/bits/host_ecn") == "offered\n")
    try bench.echo("0", "devices/a/features/bits/host_tso6")
    #expect(try bench.cat("devices/a/features/bits/host_ecn") == "off\n")
  }

  @Test("A stream offers no offload, and speed is told only when it is set")
  func backends() throws {
    let bench = try bench()
    #expect(try bench.cat("devices/a/features/bits/speed_duplex") == "off\n")
    try bench.echo("1000", "devices/a/speed")
    #expect(try bench.cat("devices/a/features/bits/speed_duplex") == "offered\n")
    try bench.echo("stream", "devices/a/backend")
    #expect(try bench.cat("devices/a/features/bits/csum") == "off\n")
    #expect(try bench.cat("devices/a/features/bits/mrg_rxbuf") == "offered\n")
  }

  @Test("connect has the arguments for QEMU, User-Mode Linux and testpmd")
  func connect() throws {
    let bench = try bench()
    try bench.echo("02:00:00:00:00:01", "devices/a/mac")
    try bench.echo("9000", "devices/a/mtu")
    let text = try bench.cat("devices/a/connect")
    let socket = "/run/vbusfs/devices/a/socket"
    #expect(
      text.contains(
        "-netdev vhost-user,id=net-vbus2,chardev=vbus2 -device virtio-net-pci,netdev=net-vbus2,"
          + "mac=02:00:00:00:00:01,host_mtu=9000\n"))
    #expect(text.contains("\nvirtio_uml.device=\(socket):1\n"))
    #expect(
      text.hasSuffix(
        """
        # DPDK's testpmd, this device
        --vdev=net_virtio_user0,path=\(socket),mac=02:00:00:00:00:01,queues=1

        """))
  }

  @Test("A console's pty shows what was found, and can only be read")
  func shownOnly() throws {
    let bench = try bench()
    try bench.mkdir("devices/c")
    try bench.echo("console", "devices/c/type")
    #expect(try bench.stat("devices/c/pty").permissions & 0o222 == 0)
    #expect(throws: TreeError.accessDenied) { try bench.echo("/dev/pts/1", "devices/c/pty") }
    bench.world.hostResult = .success(HostSide(facts: ["pty": "/dev/pts/7"]))
    try bench.echo("1", "devices/c/enabled")
    #expect(try bench.cat("devices/c/pty") == "/dev/pts/7\n")
  }
}
