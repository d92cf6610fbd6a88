/// What a turn of a queue adds to the card's counters: they are written once for a turn.
struct NetTally {
  var packets = 0
  var bytes = 0
  var dropped = 0
  var errors = 0
}
