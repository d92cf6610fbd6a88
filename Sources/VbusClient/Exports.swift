// What the interface of this module names of the modules below: whoever imports it needs no other.
@_exported public import struct LinuxSystem.Errno
@_exported public import class LinuxSystem.Descriptor
@_exported public import struct LinuxSystem.EventDescriptor
@_exported public import struct Rings.Segment
@_exported public import enum Rings.RingFault
@_exported public import struct SharedMemory.GuestAddress
@_exported public import enum SharedMemory.MemoryFault
@_exported public import enum Vbus.Flow
@_exported public import struct Vbus.IoqSize
@_exported public import struct VbusLink.DeviceHandle
@_exported public import struct VbusLink.DeviceStatus
@_exported public import enum VbusLink.Event
@_exported public import struct VbusLink.SignalHandle
@_exported public import struct VbusLink.VirtioIdentity
@_exported public import enum Virtio.DeviceFault
@_exported public import struct Virtio.FeatureBits
