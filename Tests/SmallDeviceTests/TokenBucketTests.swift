import Devices
import Testing

@Suite("A rate with a little credit")
struct TokenBucketTests {
  private let second: UInt64 = 1_000_000_000

  @Test("No rate is no limit")
  func unlimited() {
    var bucket = TokenBucket(rate: 0, at: 0)
    #expect(bucket.available(.max, at: 0) == .max)
  }

  @Test("A tenth of a second's worth may be used at once, and no more however long nothing was")
  func credit() {
    var bucket = TokenBucket(rate: 1000, at: 0)
    bucket.take(100)
    #expect(bucket.available(64, at: 0) == 0)
    #expect(bucket.available(1000, at: 3600 * second) == 100)
  }

  @Test("The rest of a token is kept until it is whole")
  func rest() {
    var bucket = TokenBucket(rate: 3, at: 0)
    bucket.take(1)
    #expect(bucket.available(1, at: second / 3) == 0)
    #expect(bucket.available(1, at: second / 3 + 1) == 1)
  }

  @Test(
    "Times up to a tenth of a second count at any rate",
    arguments: [1, 7, 1 << 20, 1 << 37, 1 << 38, TokenBucket.rateMax, .max],
    [1, 16_777_215, 16_777_216, 50_000_000, 99_999_999, 100_000_000] as [UInt64])
  func anyRate(rate: UInt64, elapsed: UInt64) {
    let start = 7 * second
    var bucket = TokenBucket(rate: rate, at: start)
    bucket.take(.max)
    let (high, low) = min(rate, TokenBucket.rateMax).multipliedFullWidth(by: elapsed)
    let earned = second.dividingFullWidth((high, low)).quotient
    bucket.setRate(rate, at: start + elapsed)
    #expect(bucket.wait(for: earned) == 0)
    #expect(bucket.wait(for: .max) <= 1000)
  }

  @Test("A clock that stands still or goes back gives nothing")
  func back() {
    var bucket = TokenBucket(rate: 1000, at: second)
    bucket.take(100)
    #expect(bucket.available(1, at: second) == 0)
    #expect(bucket.available(1, at: 0) == 0)
  }

  @Test("A new rate leaves no more credit than it has room for")
  func lowered() {
    var bucket = TokenBucket(rate: 1_000_000, at: 0)
    bucket.setRate(1000, at: 0)
    #expect(bucket.available(.max, at: 0) == 100)
  }
}
