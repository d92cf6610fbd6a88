/// A time as people and log readers write it, RFC 3339 in UTC with milliseconds:
/// `2025-01-31T09:08:07.123Z`.
func timestamp(_ nanoseconds: UInt64) -> String {
  let seconds = nanoseconds / 1_000_000_000
  let (year, month, day) = date(days: Int(seconds / 86400))
  let time = Int(seconds % 86400)
  let clock = [time / 3600, time / 60 % 60, time % 60].map { padded($0, 2) }
  let milliseconds = Int(nanoseconds / 1_000_000 % 1000)
  return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
    + clock.joined(separator: ":") + ".\(padded(milliseconds, 3))Z"
}

/// The Gregorian date so many days after 1970-01-01. Counted in years that start on 1 March, so
/// that the leap day is a year's last; 400 years have 146097 days.
private func date(days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468  // Days from 0000-03-01 to 1970-01-01.
  let era = shifted / 146_097
  let dayOfEra = shifted % 146_097
  let yearOfEra =
    (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

private func padded(_ value: Int, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
