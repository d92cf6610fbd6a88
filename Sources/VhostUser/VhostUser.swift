/// The limits of the protocol, each with its reason. Sections are those of QEMU's
/// "Vhost-user Protocol" (docs/interop/vhost-user).
package enum Limits {
  /// Request, flags, payload size: three 32-bit words ("Header").
  package static let headerByteCount = 12

  /// The longest payload of any message that is implemented has 268 bytes (a configuration space
  /// of 256). The rest is room for front ends that pad; nothing near it is legal today.
  package static let payloadByteCountMax = 4096

  /// "at most 8 descriptors in each message": one for each region of a memory table.
  package static let descriptorCountMax = 8

  /// Regions of one SET_MEM_TABLE ("Memory regions description": region0 to region7).
  package static let tableRegionCountMax = 8

  /// Regions altogether, answered to GET_MAX_MEM_SLOTS: enough for a guest whose memory grows in
  /// steps, few enough to search one by one.
  package static let regionCountMax = 32

  /// Bits 0 to 7 of a doorbell message name the queue (SET_VRING_KICK).
  package static let queueCountMax = 256

  /// The configuration space that front ends carry has 256 bytes (VHOST_USER_MAX_CONFIG_SIZE).
  package static let configurationByteCountMax = 256

  /// Split and packed rings have at most 32768 entries (VIRTIO 1.2, 2.7 and 2.8.10.1).
  package static let queueSizeMax: UInt16 = 32768
}
