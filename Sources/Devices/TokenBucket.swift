/// A rate with a little credit: what was not used for a tenth of a second may be used at once.
package struct TokenBucket {
  /// Per second; 0 when nothing is limited.
  private(set) var rate: UInt64
  private var tokens: UInt64
  /// Up to when tokens were given, in nanoseconds of the monotonic clock.
  private var filledAt: UInt64

  /// A rate above this is none: the sums below stay far from overflow.
  package static let rateMax: UInt64 = 1 << 40

  /// A full bucket. `rate` is per second, 0 for none; `now` in nanoseconds of the monotonic clock,
  /// here and below.
  package init(rate: UInt64, at now: UInt64) {
    self.rate = min(rate, Self.rateMax)
    tokens = 0
    filledAt = now
    tokens = capacity
  }

  /// What the bucket holds at most.
  private var capacity: UInt64 { max(1, rate / 10) }

  /// Another rate from now on. What had been saved up stays, as far as it still has room.
  package mutating func setRate(_ rate: UInt64, at now: UInt64) {
    fill(at: now)
    self.rate = min(rate, Self.rateMax)
    tokens = min(tokens, capacity)
    filledAt = now
  }

  /// How many of `wanted` may be used now. None while there is less than that and the bucket is
  /// not full: many small portions help nobody.
  package mutating func available(_ wanted: UInt64, at now: UInt64) -> UInt64 {
    guard rate > 0 else { return wanted }
    fill(at: now)
    return tokens >= min(wanted, capacity) ? min(wanted, tokens) : 0
  }

  /// Uses up what `available` has granted.
  package mutating func take(_ count: UInt64) {
    if rate > 0 { tokens -= min(tokens, count) }
  }

  /// Milliseconds until `available` answers more than none, rounded up.
  package func wait(for wanted: UInt64) -> UInt64 {
    let goal = min(wanted, capacity)
    guard rate > 0, goal > tokens else { return 0 }
    return ((goal - tokens) * 1000 + rate - 1) / rate
  }

  private mutating func fill(at now: UInt64) {
    guard rate > 0, now > filledAt else { return }
    // After a tenth of a second, or the time one token takes, the bucket is full anyway.
    let second: UInt64 = 1_000_000_000
    let elapsed = now - filledAt
    guard elapsed < max(second / 10, second / rate + 1) else {
      tokens = capacity
      filledAt = now
      return
    }
    let (high, low) = elapsed.multipliedFullWidth(by: rate)
    let given = second.dividingFullWidth((high, low)).quotient
    guard given > 0 else { return }
    tokens = min(capacity, tokens + given)
    // The rest of a token is not lost: only the time that was paid for is used up. Given tokens
    // are worth no more time than went by, so the quotient fits; the product need not.
    filledAt += rate.dividingFullWidth(given.multipliedFullWidth(by: second)).quotient
  }
}
