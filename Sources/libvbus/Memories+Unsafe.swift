// swift-format-ignore-file: AlwaysUseLowerCamelCase
public import CVbus
internal import VbusClient

// SAFETY, for all below: pointers that are not NULL lead to what the header says, for the call.

@c @implementation
public func vbus_memory(_ number: Int32, _ count: Int) -> Int32 {
  answering { () throws(CallFault) in
    try Handles.all.with(number) { (state, box) throws(CallFault) in
      try state.check(number)
      let client = state.client
      let buffers = try bus { () throws(BusError) in try client.makeMemory(byteCount: count) }
      let mapping: MemoryMapping
      do throws(CallFault) { mapping = try MemoryMapping(buffers.memory) } catch {
        // The host has room for so many.
        try? client.dropMemory(buffers)
        throw error
      }
      let memory = try Handles.all.number(on: box)
      state.memories[memory] = BusState.Memory(buffers: buffers, mapping: mapping)
      return memory
    }
  }
}

@c @implementation
public func vbus_memory_drop(_ number: Int32) -> Int32 {
  answering { () throws(CallFault) in
    try Handles.all.with(number) { (state, _) throws(CallFault) in
      let (client, memory) = (state.client, try state.memories.known(number))
      try bus { () throws(BusError) in try client.dropMemory(memory.buffers) }
      state.memories[number] = nil
    }
    Handles.all.remove([number])
    return 0
  }
}

@c @implementation
public func vbus_allocate(
  _ number: Int32, _ count: Int, _ alignment: Int, _ buffer: UnsafeMutablePointer<vbus_buffer>!
) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(buffer)
    guard count > 0, alignment >= 0, alignment & (alignment - 1) == 0 else { throw .malformed }
    // The pointer leaves as a number, for only numbers may leave the lock.
    let (taken, start) = try Handles.all.with(number) { (state, _) throws(CallFault) in
      let memory = try state.memories.known(number)
      let buffer = memory.buffers.allocate(count, alignment: max(1, alignment))
      guard let buffer else { throw .bus(.noRoom) }
      return (buffer, UInt(bitPattern: unsafe memory.mapping.place(of: buffer)))
    }
    unsafe place.initialize(
      to: vbus_buffer(
        address: taken.address, bytes: UnsafeMutableRawPointer(bitPattern: start),
        count: taken.byteCount))
    return 0
  }
}

/// A buffer as a program names it. It need not be one.
func named(
  _ address: UInt64, _ count: Int, in memory: BusState.Memory
) throws(CallFault) -> ClientBuffer {
  guard let offset = memory.buffers.memory.offset(of: address), count > 0 else {
    throw .noSuchBuffer
  }
  return ClientBuffer(address: address, offset: offset, byteCount: count)
}

@c @implementation
public func vbus_free(_ number: Int32, _ buffer: UnsafePointer<vbus_buffer>!) -> Int32 {
  answering { () throws(CallFault) in
    let place = unsafe try present(buffer)
    let (address, count) = unsafe (place.pointee.address, place.pointee.count)
    try Handles.all.with(number) { (state, _) throws(CallFault) in
      let memory = try state.memories.known(number)
      let named = try named(address, count, in: memory)
      guard memory.buffers.deallocate(named) else { throw .noSuchBuffer }
    }
    return 0
  }
}
