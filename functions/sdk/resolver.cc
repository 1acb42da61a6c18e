#include "sdk/resolver.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "sdk/file.h"
#include "sdk/socket.h"

namespace sdk {
namespace {

constexpr std::size_t kConfigBytesMax = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// One query to one server; nothing if no valid answer came in time. The socket is connected, so
// that the kernel drops what other addresses send.
std::optional<std::vector<IpAddress>> ask(const IpAddress& server, std::uint16_t port,
                                          const std::string& query, RecordType type,
                                          Deadline deadline, const Clock& clock) {
  const SocketAddress target = socket_address(server, port);
  const Descriptor fd(::socket(target.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return std::nullopt;
  const auto* address = reinterpret_cast<const sockaddr*>(target.storage);
  if (::connect(fd.get(), address, target.length) != 0) return std::nullopt;
  if (::send(fd.get(), query.data(), query.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
  while (wait_for(fd.get(), POLLIN, deadline, clock)) {
    char buffer[4096];
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n < 0) return std::nullopt;  // for example: port unreachable
    auto found = dns_answer(query, std::string_view(buffer, static_cast<std::size_t>(n)), type);
    if (found) return found;  // else something stray: wait on
  }
  return std::nullopt;
}

}  // namespace

Resolver::Resolver(const Clock& clock, Random& random, Options options)
    : clock_(clock), random_(random), options_(std::move(options)) {}

Result<std::vector<IpAddress>> Resolver::resolve(std::string_view host, Deadline deadline) {
  if (const auto literal = parse_ip(host)) return std::vector{*literal};
  const auto hosts = read_file(options_.hosts_file, kConfigBytesMax);
  if (hosts) {
    auto found = find_in_hosts(*hosts, host);
    // IPv4 first: most environments have no way out over IPv6.
    std::ranges::sort(found, {}, &IpAddress::v6);
    if (!found.empty()) return found;
  }
  auto v4 = ask_all(host, RecordType::kA, deadline);
  if (!v4 || !v4->empty()) return v4;
  auto v6 = ask_all(host, RecordType::kAaaa, deadline);
  if (!v6 || !v6->empty()) return v6;
  return failure(Fault::kConnection, "UnknownHost", "no address for " + std::string(host));
}

Result<std::vector<IpAddress>> Resolver::ask_all(std::string_view host, RecordType type,
                                                 Deadline deadline) {
  const auto query = dns_query(static_cast<std::uint16_t>(random_.below(65536)), host, type);
  if (!query) {
    return failure(Fault::kInput, "UnknownHost", std::string(host) + " is not a host name");
  }
  const auto config = read_file(options_.resolv_conf, kConfigBytesMax);
  const auto servers = config ? name_servers(*config) : std::vector<IpAddress>();
  for (int round = 0; round < options_.rounds; ++round) {
    for (const IpAddress& server : servers) {
      if (clock_.remaining_ms(deadline) == 0) {
        return failure(Fault::kTimeout, "Timeout", "no time left to resolve " + std::string(host));
      }
      const Deadline attempt = std::min(deadline, clock_.after_ms(options_.attempt_ms));
      auto found = ask(server, options_.dns_port, *query, type, attempt, clock_);
      if (found) return std::move(*found);
    }
  }
  return failure(Fault::kConnection, "UnknownHost",
                 "no name server answered for " + std::string(host));
}

}  // namespace sdk
