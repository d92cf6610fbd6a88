package import LinuxSystem
internal import VhostUser

extension FrontEnd {
  /// A piece of guest memory with the file that holds it.
  package struct Memory: Sendable {
    package var guestAddress: UInt64
    package var userAddress: UInt64
    package var byteCount: UInt64
    package var fileOffset: UInt64
    package var file: Descriptor

    package init(
      guestAddress: UInt64, userAddress: UInt64, byteCount: UInt64, fileOffset: UInt64 = 0,
      file: Descriptor
    ) {
      self.guestAddress = guestAddress
      self.userAddress = userAddress
      self.byteCount = byteCount
      self.fileOffset = fileOffset
      self.file = file
    }

    fileprivate func put(into writer: inout WireWriter) {
      writer.put(guestAddress)
      writer.put(byteCount)
      writer.put(userAddress)
      writer.put(fileOffset)
    }

    fileprivate var single: [UInt8] {
      payloadBytes {
        $0.put(UInt64(0))
        put(into: &$0)
      }
    }
  }

  /// SET_MEM_TABLE: these regions and no others.
  package func setMemory(_ table: [Memory]) throws(FrontEndError) {
    let payload = payloadBytes { writer in
      writer.put(UInt32(table.count))
      writer.put(UInt32(0))
      for memory in table { memory.put(into: &writer) }
    }
    try tell(.setMemoryTable, payload, table.map(\.file))
  }

  /// ADD_MEM_REG.
  package func addMemory(_ memory: Memory) throws(FrontEndError) {
    try tell(.addMemoryRegion, memory.single, [memory.file])
  }

  /// REM_MEM_REG.
  package func removeMemory(_ memory: Memory) throws(FrontEndError) {
    try tell(.removeMemoryRegion, memory.single)
  }

  /// GET_MAX_MEM_SLOTS.
  package func memorySlotsMax() throws(FrontEndError) -> UInt64 {
    try ask(Message(.getMemorySlotsMax)).expectNumber()
  }
}
