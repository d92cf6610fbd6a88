// swift-tools-version: 6.2
import PackageDescription

// A program of your own: this package with one of its targets, and the path or URL of vbusfs.
let package = Package(
  name: "examples",
  dependencies: [.package(name: "vbusfs", path: "../..")],
  targets: ["Watch", "DiskReader", "FrameEcho", "Trace"].map { name in
    .executableTarget(
      name: name, dependencies: [.product(name: "VbusClient", package: "vbusfs")], path: name)
  }
)
