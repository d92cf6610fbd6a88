internal import Model

extension ConfigTree {
  /// For somebody who just typed ls.
  var readmeText: String {
    let statuses = Status.allCases.map(\.rawValue).joined(separator: " ")
    return """
      This is vbusfs: devices for virtual machines, made with mkdir, echo and ln -s.

        cd \(world.mountPoint)
        mkdir containers/lab0 devices/disk0
        echo blk > devices/disk0/type              # one of classes/; its files appear
        echo /srv/vm0.img > devices/disk0/path
        echo 1 > devices/disk0/enabled             # checks everything, opens the host side
        ln -s ../../../devices/disk0 containers/lab0/devices/   # plugs it in: it is live
        cat devices/disk0/connect                  # arguments for QEMU and User-Mode Linux
        cat devices/disk0/status                   # \(statuses)
        rm containers/lab0/devices/disk0           # unplugs it
        rmdir devices/disk0 containers/lab0        # destroys both (not rm -r)

      A refused write fails at once, and last_error, here and beside the file, says why.
      classes/<class>/attributes/<name>/ has help, values, default, when and unit of each file.
      features/mask limits what a guest is offered; features/bits/<name> is one bit of it.
      queues/<n>/indices: the next entry taken from the driver, the next one given back.
      stats/ counts as the guest sees it. status, last_error and the like can be polled.
      A write is one whole value. Truncation alone (: > file) changes nothing.

      containers/<container>/socket is for programs that speak the native bus: they see devices come
      and go there, and open them by the numbers in ids/. Who may write to the container's directory
      may attach, and whom members/allow names: user ids and @group ids. members/<pid>/ is a process
      that is attached. rm of a link leaves a device to whoever has it open; echo 0 > enabled does not.
      session is for programs that may not write here: who connects (SOCK_SEQPACKET) and says
      "hello 1" has a container until the connection closes; "device net mac=02:00:00:00:00:01" makes
      a device in it, of a class in session_classes, and "remove <device>" removes it.

      """
  }
}
