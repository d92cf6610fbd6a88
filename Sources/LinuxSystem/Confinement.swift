internal import CLinux

/// Gives up, for good, every right but to use the descriptors at hand: root becomes nobody, no
/// capability is left, and system calls that open, connect, start or change rights answer EPERM.
/// The process is killed when its parent ends. It holds for all threads; none can be started later.
package func confineProcess() throws(Errno) { _ = try checked(linux_confine()) }
