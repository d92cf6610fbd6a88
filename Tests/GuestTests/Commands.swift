/// What guests are told to do, as shell scripts for busybox.
enum Commands {
  /// Makes an ext4, writes two files, reads them back past the cache, prints their checksums.
  static let files = """
    set -e
    mkfs.ext4 -q /dev/vda
    mount /dev/vda /mnt
    echo 'a few bytes' >/mnt/small
    dd if=/dev/urandom of=/mnt/large bs=64k count=128 2>/dev/null
    sha256sum </mnt/large >/tmp/before
    umount /mnt
    echo 3 >/proc/sys/vm/drop_caches
    mount /dev/vda /mnt
    sha256sum </mnt/large | cmp - /tmp/before
    for file in small large; do
      set -- $(sha256sum </mnt/$file)
      echo "$file $1"
    done
    umount /mnt
    """

  static let attributes = """
    echo "serial $(cat /sys/block/vda/serial)"
    echo "sectors $(cat /sys/block/vda/size)"
    echo "block_size $(cat /sys/block/vda/queue/logical_block_size)"
    echo "read_only $(cat /sys/block/vda/ro)"
    """

  static let features = "echo \"features $(cat /sys/bus/virtio/devices/virtio0/features)\""

  static let overwrite = """
    echo "read_only $(cat /sys/block/vda/ro)"
    if echo overwritten 2>/dev/null >/dev/vda && sync; then
      echo 'written yes'
    else
      echo 'written no'
    fi
    """

  /// Prints the disk's sectors before and after it has grown, and writes where it has.
  static let growth = """
    old=$(cat /sys/block/vda/size)
    echo "before $old"
    echo ready
    for second in $(seq 30); do
      [ "$(cat /sys/block/vda/size)" = "$old" ] || break
      sleep 1
    done
    echo "after $(cat /sys/block/vda/size)"
    echo 'behind the old end' | dd of=/dev/vda bs=512 seek=$old conv=sync 2>/dev/null
    sync
    """

  /// Reads from the disk after it was unplugged; whatever comes of it, the guest goes on.
  static let readWhileUnplugged = """
    dd if=/dev/vda of=/dev/null bs=1M count=4 2>/dev/null
    echo ready
    read -r _
    timeout 3 dd if=/dev/vda of=/dev/null bs=1M 2>/dev/null
    echo alive
    """

  /// Writes, reads back past the cache, compares and prints `round N`, until a line is typed; then
  /// prints what the kernel said of errors (`errors`, their number) and a checksum for each file.
  static let verifiedWrites = """
    set -e
    mkfs.ext4 -q /dev/vda
    mount /dev/vda /mnt
    echo ready
    { read -r _; : >/tmp/stop; } </dev/console &
    round=0
    while [ ! -e /tmp/stop ]; do
      round=$((round + 1))
      file=/mnt/file$((round % 4))
      dd if=/dev/urandom of=/tmp/block bs=64k count=8 2>/dev/null
      cp /tmp/block $file
      sync
      echo 3 >/proc/sys/vm/drop_caches
      cmp /tmp/block $file
      echo "round $round"
    done
    for number in 0 1 2 3; do
      set -- $(sha256sum </mnt/file$number)
      echo "file$number $1"
    done
    umount /mnt
    echo "errors $(dmesg | grep -c -i -E 'i/o error|ext4-fs error|blocked for')"
    """
}
