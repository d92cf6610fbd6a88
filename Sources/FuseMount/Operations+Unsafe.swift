internal import CFuse3
internal import Glibc
internal import LinuxSystem

/// The whole C boundary: one closure an operation, and no decision in any of them.
///
/// Left out on purpose: extended attributes (asked for before each write where they exist), locks
/// (the kernel keeps flock(2) itself), ioctl, copy_file_range, lseek.
func lowLevelOperations() -> fuse_lowlevel_ops {
  var table = fuse_lowlevel_ops()
  addLooking(&table)
  addChanging(&table)
  addOpening(&table)
  return table
}

// SAFETY, for all closures: libfuse passes a live request, zero-terminated names, and a file info
// that lives for the call.

private func addLooking(_ table: inout fuse_lowlevel_ops) {
  unsafe table.`init` = { _, connection in
    guard let connection = unsafe connection else { return }
    unsafe connection.pointee.max_write = UInt32(RequestSlots.writeByteCountMax)
    unsafe connection.pointee.max_readahead = 0
  }
  unsafe table.lookup = { request, parent, name in
    unsafe serve(request) { mount, reply in
      let name = unsafe bytes(name)
      let found = Result { () throws(TreeError) in
        try mount.tree.attributes(
          of: mount.tree.lookup(name, in: NodeID(rawValue: parent)))
      }
      reply.send(found) { $0.entry($1) }
    }
  }
  unsafe table.getattr = { request, node, _ in
    unsafe serve(request) { mount, reply in
      reply.send(attributes(of: NodeID(rawValue: node), in: mount)) { $0.attributes($1) }
    }
  }
  unsafe table.readlink = { request, node in
    unsafe serve(request) { mount, reply in
      let target = Result { () throws(TreeError) in
        try mount.tree.linkTarget(of: NodeID(rawValue: node))
      }
      reply.send(target) { $0.link($1) }
    }
  }
  unsafe table.statfs = { request, _ in
    unsafe serve(request) { mount, reply in
      let count = mount.tree.objectCount
      reply.space(used: count.used, limit: count.limit)
    }
  }
  unsafe table.forget = { request, _, _ in unsafe fuse_reply_none(request) }
}

private func addChanging(_ table: inout fuse_lowlevel_ops) {
  unsafe table.mkdir = { request, parent, name, mode in
    unsafe serve(request) { mount, reply in
      let name = unsafe bytes(name)
      mount.settle(reply, .entry) { (tree, request) throws(TreeError) in
        try tree.makeDirectory(
          name, in: NodeID(rawValue: parent), permissions: mode & 0o7777, request)
      }
    }
  }
  unsafe table.rmdir = { request, parent, name in
    unsafe serve(request) { mount, reply in
      let name = unsafe bytes(name)
      mount.settle(reply, .status) { (tree, request) throws(TreeError) in
        try tree.removeDirectory(name, in: NodeID(rawValue: parent), request)
      }
    }
  }
  unsafe table.symlink = { request, target, parent, name in
    unsafe serve(request) { mount, reply in
      let (name, target) = unsafe (bytes(name), bytes(target))
      mount.settle(reply, .entry) { (tree, request) throws(TreeError) in
        try tree.makeLink(name, in: NodeID(rawValue: parent), to: target, request)
      }
    }
  }
  unsafe table.unlink = { request, parent, name in
    unsafe serve(request) { mount, reply in
      let name = unsafe bytes(name)
      mount.settle(reply, .status) { (tree, request) throws(TreeError) in
        try tree.removeFile(name, in: NodeID(rawValue: parent), request)
      }
    }
  }
  unsafe table.rename = { request, parent, name, newParent, newName, flags in
    unsafe serve(request) { mount, reply in
      let (name, newName) = unsafe (bytes(name), bytes(newName))
      // Only RENAME_NOREPLACE (1) is meaningful here.
      guard flags & ~1 == 0 else { return reply.refuse(TreeError(.invalid)) }
      mount.settle(reply, .status) { (tree, request) throws(TreeError) in
        try tree.rename(
          name, in: NodeID(rawValue: parent), to: newName, in: NodeID(rawValue: newParent),
          replacing: flags & 1 == 0, request)
      }
    }
  }
  unsafe table.setattr = { request, node, status, mask, _ in
    unsafe serve(request) { mount, reply in
      let node = NodeID(rawValue: node)
      guard let change = unsafe ownerChange(status, mask) else {
        return reply.send(attributes(of: node, in: mount)) { $0.attributes($1) }
      }
      mount.settle(reply, .attributes(node)) { (tree, request) throws(TreeError) in
        try tree.change(change, of: node, request)
      }
    }
  }
  // Files appear with their directory; nobody makes one.
  unsafe table.mknod = { request, _, _, _, _ in unsafe refuse(request, .notPermitted) }
  unsafe table.create = { request, _, _, _, _ in unsafe refuse(request, .notPermitted) }
  unsafe table.link = { request, _, _, _ in unsafe refuse(request, .notPermitted) }
}

private func addOpening(_ table: inout fuse_lowlevel_ops) {
  unsafe table.open = { request, _, info in
    unsafe serve(request) { mount, reply in
      guard let info = unsafe info else { return }
      unsafe info.pointee.direct_io = 1
      unsafe info.pointee.noflush = 1
      let isForReading = unsafe info.pointee.flags & O_ACCMODE == O_RDONLY
      let opener = Request.Opener(uid: mount.current.uid, gid: mount.current.gid)
      unsafe reply.opened(
        isForReading ? mount.handles.open() : mount.handles.open(for: opener), of: info)
    }
  }
  unsafe table.read = { request, node, count, offset, info in
    unsafe serve(request) { mount, reply in
      let handle = unsafe info?.pointee.fh ?? 0
      let text = Result { () throws(TreeError) in
        try mount.read(NodeID(rawValue: node), handle: handle, from: offset)
      }
      reply.send(text) { $0.bytes(Handles.part($1, at: offset, count: count)) }
    }
  }
  unsafe table.write = { request, node, data, count, offset, info in
    unsafe serve(request) { mount, reply in
      let handle = unsafe info?.pointee.fh ?? 0
      let text = unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: count))
      mount.store(
        text, in: NodeID(rawValue: node), handle: handle, offset: UInt64(clamping: offset), reply)
    }
  }
  unsafe table.release = { request, _, info in
    unsafe serve(request) { mount, reply in
      _ = mount.handles.files.remove(unsafe info?.pointee.fh ?? 0)
      reply.done()
    }
  }
  unsafe table.flush = { request, _, _ in unsafe serve(request) { $1.done() } }
  unsafe table.fsync = { request, _, _, _ in unsafe serve(request) { $1.done() } }
  unsafe table.opendir = { request, _, info in
    unsafe serve(request) { mount, reply in
      guard let info = unsafe info else { return }
      unsafe reply.opened(mount.handles.open(), of: info)
    }
  }
  unsafe table.readdir = { request, node, capacity, offset, info in
    unsafe serve(request) { mount, reply in
      let handle = unsafe info?.pointee.fh ?? 0
      let entries = Result { () throws(TreeError) in
        try mount.list(NodeID(rawValue: node), handle: handle, from: offset)
      }
      reply.send(entries) { $0.listing($1, from: offset, capacity: capacity) }
    }
  }
  unsafe table.releasedir = { request, _, info in
    unsafe serve(request) { mount, reply in
      _ = mount.handles.directories.remove(unsafe info?.pointee.fh ?? 0)
      reply.done()
    }
  }
  unsafe table.poll = { request, node, info, waiter in
    unsafe serve(request) { mount, reply in
      var kernelHandle: UInt64?
      if let waiter = unsafe waiter {
        kernelHandle = mount.slots.pollHandle(in: mount.current.slot)
        unsafe fuse_pollhandle_destroy(waiter)
      }
      let handle = unsafe info?.pointee.fh ?? 0
      reply.ready(
        mount.poll(NodeID(rawValue: node), handle: handle, waiting: kernelHandle))
    }
  }
}

private func attributes(
  of node: NodeID, in mount: FuseMount
) -> Result<NodeAttributes, TreeError> {
  Result { () throws(TreeError) in try mount.tree.attributes(of: node) }
}

/// Gives an operation its mount and its obligation to answer.
private func serve(
  _ request: fuse_req_t?, _ body: (FuseMount, consuming Reply) -> Void
) {
  guard let request = unsafe request, let context = unsafe fuse_req_userdata(request) else {
    return
  }
  // SAFETY: the user data is the mount given to fuse_session_new.
  let mount = unsafe Unmanaged<FuseMount>.fromOpaque(context).takeUnretainedValue()
  body(mount, unsafe Reply(to: request))
}

private func refuse(_ request: fuse_req_t?, _ errno: Errno) {
  unsafe serve(request) { $1.refuse(TreeError(errno)) }
}

private func bytes(_ name: UnsafePointer<CChar>?) -> [UInt8] {
  guard let name = unsafe name else { return [] }
  // SAFETY: a zero-terminated name of the kernel.
  return unsafe Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
}

/// What chmod(2) or chown(2) asks for; `nil` when only size or times are to change, which is
/// accepted and changes nothing: truncation alone is no value.
private func ownerChange(
  _ status: UnsafeMutablePointer<stat>?, _ mask: Int32
) -> OwnerChange? {
  guard let status = unsafe status else { return nil }
  var change = OwnerChange()
  if mask & FUSE_SET_ATTR_MODE != 0 {
    change.permissions = unsafe status.pointee.st_mode & 0o7777
  }
  if mask & FUSE_SET_ATTR_UID != 0 { change.uid = unsafe status.pointee.st_uid }
  if mask & FUSE_SET_ATTR_GID != 0 { change.gid = unsafe status.pointee.st_gid }
  return change == OwnerChange() ? nil : change
}
