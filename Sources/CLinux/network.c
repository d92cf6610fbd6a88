#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { virtio_header_bytes = 12 };  // VIRTIO 1.2 section 5.1.6, with num_buffers

int linux_tap_attach(int tun, char name[IFNAMSIZ]) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  int header = virtio_header_bytes;
  memcpy(request.ifr_name, name, IFNAMSIZ);
  if (ioctl(tun, TUNSETIFF, &request) < 0) return -errno;
  memcpy(name, request.ifr_name, IFNAMSIZ);
  return ioctl(tun, TUNSETVNETHDRSZ, &header) < 0 ? -errno : 0;
}

int linux_tap_name(int tun, char name[IFNAMSIZ]) {
  struct ifreq request = {0};
  if (ioctl(tun, TUNGETIFF, &request) < 0) return -errno;
  memcpy(name, request.ifr_name, IFNAMSIZ);
  return 0;
}

// Takes the attributes of one RTM_NEWLINK message apart.
static void take_link(const struct nlmsghdr *message, struct linux_interface *facts) {
  const struct ifinfomsg *link = NLMSG_DATA(message);
  int rest = (int)IFLA_PAYLOAD(message);
  facts->index = (uint32_t)link->ifi_index;
  facts->is_up = (link->ifi_flags & IFF_UP) != 0;
  for (const struct rtattr *attribute = IFLA_RTA(link); RTA_OK(attribute, rest);
       attribute = RTA_NEXT(attribute, rest)) {
    size_t count = RTA_PAYLOAD(attribute);
    switch (attribute->rta_type) {
    case IFLA_MTU:
      if (count == sizeof facts->mtu) memcpy(&facts->mtu, RTA_DATA(attribute), count);
      break;
    case IFLA_MASTER:
      if (count == sizeof facts->master) memcpy(&facts->master, RTA_DATA(attribute), count);
      break;
    case IFLA_ADDRESS:
      if (count == sizeof facts->address) memcpy(facts->address, RTA_DATA(attribute), count);
      break;
    }
  }
}

static int ask_for_link(int netlink, const char *name) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct rtattr attribute;
    char name[IFNAMSIZ];
  } request = {
    .header =
      {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
    .attribute =
      {.rta_len = sizeof request.attribute + sizeof request.name, .rta_type = IFLA_IFNAME},
  };
  strncpy(request.name, name, IFNAMSIZ - 1);
  return send(netlink, &request, sizeof request, 0) < 0 ? -errno : 0;
}

int linux_interface_facts(const char *name, struct linux_interface *facts) {
  union {
    struct nlmsghdr header;
    char bytes[32768];  // what the kernel packs into one message (NLMSG_GOODSIZE) and room
  } answer;
  memset(facts, 0, sizeof *facts);
  if (strlen(name) >= IFNAMSIZ) return -ENODEV;
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (netlink < 0) return -errno;
  int failed = ask_for_link(netlink, name);
  // The answer is in the socket's queue when send returns.
  ssize_t count = failed ? 0 : recv(netlink, &answer, sizeof answer, MSG_DONTWAIT);
  if (count < 0) failed = -errno;
  close(netlink);
  if (failed) return failed;
  if (!NLMSG_OK(&answer.header, (size_t)count)) return -EIO;
  if (answer.header.nlmsg_type == NLMSG_ERROR)
    return ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
  if (answer.header.nlmsg_type != RTM_NEWLINK) return -EIO;
  take_link(&answer.header, facts);
  return 0;
}

// Any socket leads to the interfaces of its network namespace.
static int interface_ioctl(unsigned long what, struct ifreq *request, const char *name) {
  if (strlen(name) >= IFNAMSIZ) return -ENODEV;
  strcpy(request->ifr_name, name);
  int any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return -errno;
  int failed = ioctl(any, what, request) < 0 ? -errno : 0;
  close(any);
  return failed;
}

int linux_interface_set_mtu(const char *name, uint32_t mtu) {
  struct ifreq request = {.ifr_mtu = (int)mtu};
  return interface_ioctl(SIOCSIFMTU, &request, name);
}

int linux_interface_set_address(const char *name, const uint8_t address[6]) {
  struct ifreq request = {.ifr_hwaddr = {.sa_family = ARPHRD_ETHER}};
  memcpy(request.ifr_hwaddr.sa_data, address, 6);
  return interface_ioctl(SIOCSIFHWADDR, &request, name);
}

int linux_interface_bring_up(const char *name) {
  struct ifreq request = {0};
  int failed = interface_ioctl(SIOCGIFFLAGS, &request, name);
  if (failed) return failed;
  request.ifr_flags |= IFF_UP;
  return interface_ioctl(SIOCSIFFLAGS, &request, name);
}

int linux_bridge_add(const char *bridge, uint32_t index) {
  struct ifreq request = {.ifr_ifindex = (int)index};
  return interface_ioctl(SIOCBRADDIF, &request, bridge);
}
