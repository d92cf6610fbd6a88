// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A module of the project with the modules of lower floors that it may import.
func floor(_ name: String, on dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, of dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
  name: "vbusfs",
  products: [
    .executable(name: "vbusfs", targets: ["vbusfs"]),
    .executable(name: "vbusfs-engine", targets: ["vbusfs-engine"]),
    .library(name: "VbusClient", targets: ["VbusClient"]),
    .library(name: "vbus", type: .dynamic, targets: ["libvbus"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // What Swift cannot import.
    .target(name: "CLinux"),
    // A client of the native bus, for C.
    .target(name: "CVbus"),
    .systemLibrary(name: "CFuse"),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    // 0: kernel objects, bytes that another process writes, and tables.
    floor("Tables"),
    floor("LinuxSystem", on: ["CLinux", "Tables"]),
    floor("SharedMemory", on: ["CLinux", "LinuxSystem"]),
    // 1: rings, pure. `Rings` is what all layouts share; each layout hands it on.
    floor("Rings", on: ["SharedMemory"]),
    floor("Virtio", on: ["Rings", "SharedMemory"]),
    floor("Vbus", on: ["Rings", "SharedMemory"]),
    // 2: protocols and rules.
    floor("VhostUser", on: ["LinuxSystem"]),
    floor("VbusLink", on: ["LinuxSystem", "SharedMemory", "Tables", "Vbus", "Virtio"]),
    floor("StreamLink", on: ["LinuxSystem", "Vbus", "VbusLink"]),
    floor("Model", on: ["Tables"]),
    floor("EngineLink", on: ["LinuxSystem", "SharedMemory"]),
    floor("Keeper", on: ["LinuxSystem"]),
    // 3: the processes' organs.
    floor("FuseMount", on: ["CFuse", "CLinux", "LinuxSystem", "Tables"]),
    floor(
      "Engine",
      on: [
        "EngineLink", "Keeper", "LinuxSystem", "SharedMemory", "Tables", "Vbus", "VbusLink",
        "VhostUser", "Virtio",
      ]),
    floor(
      "VbusClient", on: ["LinuxSystem", "Rings", "SharedMemory", "Vbus", "VbusLink", "Virtio"]),
    floor(
      "libvbus",
      on: [
        "CVbus", "LinuxSystem", "Rings", "SharedMemory", "Vbus", "VbusClient", "VbusLink",
        "Virtio",
      ]),
    floor("RingDriver", on: ["LinuxSystem", "SharedMemory", "VhostUser", "Virtio"]),
    // 4: what the organs work on.
    floor("ConfigTree", on: ["FuseMount", "LinuxSystem", "Model", "Tables"]),
    floor(
      "Devices",
      on: ["Engine", "LinuxSystem", "Model", "SharedMemory", "Vbus", "VbusLink", "Virtio"]),
    floor("Store", on: ["CSQLite", "Model"]),
    floor(
      "Connectors",
      on: [
        "LinuxSystem", "RingDriver", "Rings", "SharedMemory", "StreamLink", "Vbus", "VbusClient",
        "VbusLink", "VhostUser", "Virtio",
      ]),
    floor("InProcess", on: ["Engine", "LinuxSystem", "VbusClient", "VbusLink"]),
    // 5: wiring.
    floor(
      "Control",
      on: [
        "ConfigTree", "Devices", "EngineLink", "FuseMount", "Keeper", "LinuxSystem", "Model",
        "Store",
      ]),
    .executableTarget(
      name: "vbusfs",
      dependencies: [
        "Connectors", "Control", "Keeper", "LinuxSystem", "VbusClient",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "vbusfs-engine", dependencies: ["Devices", "Engine", "Keeper", "LinuxSystem"],
      swiftSettings: strict),
    // Tests.
    tests("TablesTests", of: ["Tables"]),
    tests("LinuxSystemTests", of: ["LinuxSystem"]),
    tests("ModelTests", of: ["Devices", "Model"]),
    tests("FuseMountTests", of: ["FuseMount", "LinuxSystem"]),
    tests("ConfigTreeTests", of: ["ConfigTree", "Devices", "FuseMount", "LinuxSystem", "Model"]),
    .target(name: "NetworkLab", path: "Tests/NetworkLab"),
    tests("HostTests", of: ["Devices", "LinuxSystem", "Model", "TestSupport"]),
    tests("SharedMemoryTests", of: ["LinuxSystem", "SharedMemory"]),
    tests(
      "VirtioTests", of: ["LinuxSystem", "RingDriver", "SharedMemory", "TestSupport", "Virtio"]),
    tests(
      "BlkTests",
      of: ["Devices", "Engine", "LinuxSystem", "RingDriver", "SharedMemory", "Virtio"]),
    tests(
      "SmallDeviceTests",
      of: [
        "Devices", "Engine", "LinuxSystem", "RingDriver", "SharedMemory", "TestSupport", "Vbus",
        "Virtio",
      ]),
    tests(
      "NetTests",
      of: [
        "Devices", "Engine", "LinuxSystem", "RingDriver", "SharedMemory", "TestSupport", "Vbus",
        "VbusLink", "Virtio",
      ]),
    // Looks at millions of states: a minute without optimisation, a second with it.
    .target(
      name: "Interleaving", dependencies: ["Vbus"], path: "Tests/Interleaving",
      swiftSettings: strict + [.unsafeFlags(["-O"])]),
    .executableTarget(
      name: "RingRace", dependencies: ["LinuxSystem", "SharedMemory", "Vbus"],
      path: "Tests/RingRace", swiftSettings: strict),
    tests(
      "VbusTests",
      of: [
        "Interleaving", "LinuxSystem", "RingDriver", "RingRace", "SharedMemory", "TestSupport",
        "Vbus",
      ]),
    tests("VbusLinkTests", of: ["LinuxSystem", "TestSupport", "VbusLink"]),
    .testTarget(
      name: "VbusClientTests",
      dependencies: [
        "LinuxSystem", "Rings", "SharedMemory", "TestSupport", "Vbus", "VbusClient", "VbusLink",
        "Virtio", "libvbus", "vbusfs",
      ],
      exclude: ["C"], swiftSettings: strict),
    tests("VhostUserTests", of: ["LinuxSystem", "RingDriver", "TestSupport", "VhostUser"]),
    tests("StreamLinkTests", of: ["LinuxSystem", "StreamLink", "TestSupport", "VbusLink"]),
    tests(
      "ConnectorTests",
      of: [
        "Connectors", "Devices", "Engine", "EngineLink", "InProcess", "KeeperLab", "KeeperProbe",
        "LinuxSystem", "SharedMemory", "StreamLink", "TestSupport", "Vbus", "VbusClient",
        "VbusLink", "Virtio", "vbusfs", "vbusfs-engine",
      ]),
    tests("GuestTests", of: ["LinuxSystem", "TestSupport"]),
    .target(
      name: "TestSupport", dependencies: ["Engine", "LinuxSystem", "NetworkLab"],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    tests("MountTests", of: ["LinuxSystem", "TestSupport", "VbusClient", "VbusLink"]),
    // A keeper in a process of its own, whose programs a test plays.
    .target(
      name: "KeeperLab", dependencies: ["EngineLink", "Keeper", "LinuxSystem"],
      path: "Tests/KeeperLab", swiftSettings: strict),
    .executableTarget(
      name: "KeeperProbe", dependencies: ["Keeper", "LinuxSystem"], path: "Tests/KeeperProbe",
      swiftSettings: strict),
    tests("EngineLinkTests", of: ["EngineLink", "LinuxSystem", "SharedMemory"]),
    .executableTarget(
      name: "StoreProbe", dependencies: ["LinuxSystem", "Model", "Store"],
      path: "Tests/StoreProbe", swiftSettings: strict),
    tests("StoreTests", of: ["LinuxSystem", "Model", "Store", "StoreProbe"]),
    tests("KeeperTests", of: ["Keeper", "KeeperLab", "KeeperProbe", "LinuxSystem"]),
    tests(
      "EngineTests",
      of: [
        "EngineLink", "Keeper", "KeeperLab", "KeeperProbe", "LinuxSystem", "RingDriver",
        "SharedMemory", "TestSupport", "Vbus", "VbusClient", "VbusLink", "VhostUser", "Virtio",
        "vbusfs-engine",
      ]),
    // Benchmarks, which `Tests/bench` runs.
    .target(name: "BenchTwins", path: "Tests/BenchTwins"),
    .executableTarget(
      name: "RingBench", dependencies: ["BenchTwins", "LinuxSystem", "SharedMemory", "Virtio"],
      path: "Tests/BenchRing", swiftSettings: strict),
    .executableTarget(
      name: "VbusBench",
      dependencies: [
        "LinuxSystem", "RingDriver", "SharedMemory", "Vbus", "VbusLink", "Virtio",
      ],
      path: "Tests/BenchVbus", swiftSettings: strict),
    .executableTarget(
      name: "BusBench",
      dependencies: [
        "BenchTwins", "LinuxSystem", "VbusClient", "VbusLink", "Virtio",
      ],
      path: "Tests/BenchBus", swiftSettings: strict),
    .executableTarget(
      name: "BlockBench",
      dependencies: ["BenchTwins", "LinuxSystem", "RingDriver", "SharedMemory", "Virtio"],
      path: "Tests/BenchBlock", swiftSettings: strict),
    .executableTarget(
      name: "NetBench",
      dependencies: ["Devices", "Engine", "LinuxSystem", "RingDriver", "SharedMemory", "Virtio"],
      path: "Tests/BenchNet", swiftSettings: strict),
    .executableTarget(
      name: "StoreBench", dependencies: ["BenchTwins", "LinuxSystem", "Model", "Store"],
      path: "Tests/BenchStore", swiftSettings: strict),
  ]
)
