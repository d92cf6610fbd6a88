internal import Model

/// The feature bits of a network card, with what they need (VIRTIO 1.2 section 5.1.3.1). The mask
/// holds for the card's own interface too: `VenetOffer` says what is what.
let netFeatures = [
  FeatureSpec(
    0, "csum", help: "The guest may leave checksums to the host. virtual-ethernet: SG."),
  FeatureSpec(
    1, "guest_csum",
    help: "The guest takes frames whose checksum is left out. virtual-ethernet: part of SG."),
  FeatureSpec(3, "mtu", help: "The guest is told mtu."),
  FeatureSpec(5, "mac", help: "The guest is told mac."),
  FeatureSpec(7, "guest_tso4", needs: [1], help: "The guest takes large TCP frames over IPv4."),
  FeatureSpec(8, "guest_tso6", needs: [1], help: "The guest takes large TCP frames over IPv6."),
  FeatureSpec(
    9, "guest_ecn", needsAny: [7, 8], help: "The guest takes large TCP frames with ECN."),
  FeatureSpec(
    11, "host_tso4", needs: [0],
    help: "The guest may send large TCP frames over IPv4. virtual-ethernet: TSO4."),
  FeatureSpec(
    12, "host_tso6", needs: [0],
    help: "The guest may send large TCP frames over IPv6. virtual-ethernet: TSO6."),
  FeatureSpec(
    13, "host_ecn", needsAny: [11, 12],
    help: "The guest may send large TCP frames with ECN. virtual-ethernet: ECN."),
  FeatureSpec(15, "mrg_rxbuf", help: "A received frame may take several buffers."),
  FeatureSpec(16, "status", help: "The guest is told link. virtual-ethernet: LINKSTATE."),
  FeatureSpec(17, "ctrl_vq", help: "The guest has a queue for commands."),
  FeatureSpec(
    21, "guest_announce", needs: [16, 17],
    help: "The guest is asked to announce itself when its link comes back."),
  FeatureSpec(28, "indirect_desc", help: "A frame may take one ring entry whatever its size."),
  FeatureSpec(29, "event_idx", help: "Each side says when it next wants to be woken."),
  FeatureSpec(32, "version_1", help: "The standard interface. Cannot be masked."),
  FeatureSpec(63, "speed_duplex", help: "The guest is told speed. Offered unless it is 0."),
]

/// What these values leave of the class's features. Checksums and segmentation are left to whom
/// the frame is for, who must be told of them: a stream socket has no place for that.
@Sendable func netOfferable(_ values: [String: String]) -> UInt64 {
  var bits = [3, 5, 15, 16, 17, 21, 28, 29, 32]
  if values["backend"] != "stream" { bits += [0, 1, 7, 8, 9, 11, 12, 13] }
  if values["speed"] != "0" { bits.append(63) }
  return bits.reduce(0) { $0 | 1 << UInt64($1) }
}
