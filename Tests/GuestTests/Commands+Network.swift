/// What guests with a network card are told to do. nc ends with its input, so that what only
/// listens gets one without an end.
extension Commands {
  /// Brings the card up with the address 10.9.0.N.
  static func network(_ number: Int = 2) -> String {
    """
    ip link set lo up
    ip link set eth0 up
    ip addr add 10.9.0.\(number)/24 dev eth0
    """
  }

  static let card = """
    echo "mac $(cat /sys/class/net/eth0/address)"
    echo "mtu $(cat /sys/class/net/eth0/mtu)"
    echo "speed $(cat /sys/class/net/eth0/speed)"
    echo "carrier $(cat /sys/class/net/eth0/carrier)"
    """

  static func ping(_ number: Int = 1) -> String {
    "ping -c 3 -W 5 10.9.0.\(number) >/dev/null && echo 'ping answered'"
  }

  /// 50 MB to port 5001 of 10.9.0.1, then 50 MB from its port 5002, with their checksums.
  static let transfers = """
    head -c 52428800 /dev/urandom >/tmp/data
    echo "sent $(sha256sum </tmp/data | cut -c 1-64)"
    nc 10.9.0.1 5001 </tmp/data
    rm /tmp/data
    mkfifo /tmp/silence
    echo "received $(nc 10.9.0.1 5002 0<>/tmp/silence | sha256sum | cut -c 1-64)"
    """

  /// The other end of the same in another guest, which is 10.9.0.1.
  static let partner = """
    head -c 52428800 /dev/urandom >/tmp/data
    echo "sent $(sha256sum </tmp/data | cut -c 1-64)"
    mkfifo /tmp/silence
    echo ready
    echo "received $(nc -l -p 5001 0<>/tmp/silence | sha256sum | cut -c 1-64)"
    nc -l -p 5002 </tmp/data
    """

  /// Prints the carrier before and after it has changed, each time that it does, twice.
  static let carrier = """
    now() { cat /sys/class/net/eth0/carrier; }
    last=$(now)
    echo "first $last"
    for change in 1 2; do
      echo "ready $change"
      for tenth in $(seq 200); do
        [ "$(now)" = "$last" ] || break
        sleep 0.1
      done
      last=$(now)
      echo "change$change $last"
    done
    """
}
