/// A client of the second control plane: its connection, by the number under which it is kept.
package struct SessionID: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  package static func < (left: SessionID, right: SessionID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What makes an object a session's: it goes when the session ends.
package struct SessionMark: Hashable, Sendable {
  package let session: SessionID
  /// Which of the session's requests made it, counted from 1: what a request made that was not
  /// answered is taken back before it is done anew.
  package let request: UInt64

  package init(session: SessionID, request: UInt64) {
    self.session = session
    self.request = request
  }
}

/// The newest answer of a session: as requests come one by one, no other can be under way.
package struct SessionReply: Hashable, Sendable {
  /// Which request it answers, counted from 1.
  package let request: UInt64
  package let text: String

  package init(request: UInt64, text: String) {
    self.request = request
    self.text = text
  }
}
