#include "sandbox/init/network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

constexpr int kBacklog = 128;

void bring_up_loopback() {
  const int fd = must(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  must(::ioctl(fd, SIOCGIFFLAGS, &request), "read the loopback's state");
  request.ifr_flags |= IFF_UP | IFF_RUNNING;
  must(::ioctl(fd, SIOCSIFFLAGS, &request), "bring up the loopback");
  ::close(fd);
}

// -1 for an IPv6 address on a host without IPv6.
int open_listener(const PlanListener& listener) {
  if (listener.kind == kTcpUnbound)
    return must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket");
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_INET;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, listener.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(listener.port);
    size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, listener.address.c_str(), &v6->sin6_addr) == 1) {
    family = v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(listener.port);
    size = sizeof *v6;
  } else {
    fail("understand the address", listener.address, EINVAL);
  }
  const int type =
      (listener.kind == kBindUdp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int fd = ::socket(family, type, 0);
  if (fd < 0 && family == AF_INET6) return -1;
  must(fd, "open a socket");
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    if (family == AF_INET6 && errno == EADDRNOTAVAIL) {
      ::close(fd);
      return -1;
    }
    fail("bind to", listener.address + ":" + std::to_string(listener.port), errno);
  }
  if (listener.kind == kListenTcp) must(::listen(fd, kBacklog), "listen on", listener.address);
  return fd;
}

}  // namespace

void open_listeners(const Plan& plan) {
  bring_up_loopback();
  if (plan.listeners.empty()) return;
  Message message;
  message.kind = MessageKind::kListeners;
  std::vector<int> fds;
  for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
    const int fd = open_listener(plan.listeners[i]);
    if (fd < 0) message.mask |= 1ULL << i;
    else fds.push_back(fd);
  }
  send(message, fds);
  for (const int fd : fds) ::close(fd);
}

}  // namespace sandbox::init
