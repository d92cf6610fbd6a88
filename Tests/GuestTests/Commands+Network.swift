/// What guests with a network card are told to do.
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

  /// Offers 50 MB on port 5001, waits for a line, and fetches as much from port 5001 of 10.9.0.N,
  /// with checksums; then stays until another line comes.
  static func transfers(with number: Int) -> String {
    """
    head -c 52428800 /dev/urandom >/tmp/data
    echo "sent $(sha256sum </tmp/data | cut -c 1-64)"
    httpd -p 5001 -h /tmp
    echo ready
    read -r _
    echo "received $(wget -q -O - http://10.9.0.\(number):5001/data | sha256sum | cut -c 1-64)"
    echo done
    read -r _
    """
  }

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
