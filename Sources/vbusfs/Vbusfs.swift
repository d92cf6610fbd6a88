import ArgumentParser

/// The command line. Each command is a file of its own; `keeper`, `control` and `helper` are the
/// processes that `mount` starts, not meant for people.
@main
struct Vbusfs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vbusfs",
    abstract: "A file system that is to user-space devices what configfs is to the kernel's.",
    subcommands: [
      MountCommand.self, UnmountCommand.self, WaitCommand.self, RemoveCommand.self,
      GuestCommand.self, RelayCommand.self, SessionCommand.self,
      KeeperCommand.self, ControlCommand.self, HelperCommand.self,
    ])
}
