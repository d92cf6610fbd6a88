/// What devices of every class have, for it concerns how front ends reach them.
extension DeviceClass {
  /// The last lines of every class's table. An engine knows them by the same names.
  static let commonAttributes = [
    AttributeSpec(
      "in_band_notifications", .boolean, default: "0", window: .untilOpen,
      help: """
        1: kicks and calls may be messages, which User-Mode Linux needs where its time is \
        simulated. It takes them whenever they are offered, and a message is slower.
        """)
  ]
}
