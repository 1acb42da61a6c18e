// Host names to addresses: literal addresses, the hosts file, then DNS over UDP to the servers of
// resolv.conf. Used instead of getaddrinfo so that one statically linked binary behaves alike on
// Amazon Linux and elsewhere. Differences, on purpose: no search domains (the names asked for are
// complete), no mDNS, no cache (a name is asked for once a connection), no TCP fall-back (a cut
// answer's addresses are used).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/clock.h"
#include "sdk/dns_message.h"
#include "sdk/result.h"

namespace sdk {

class Resolver {
 public:
  struct Options {
    std::string hosts_file = "/etc/hosts";
    std::string resolv_conf = "/etc/resolv.conf";
    std::uint16_t dns_port = 53;
    std::int64_t attempt_ms = 1500;  // waited for one server before the next is asked
    int rounds = 2;                  // over all servers
  };

  Resolver(const Clock& clock, Random& random, Options options);
  Resolver(const Clock& clock, Random& random) : Resolver(clock, random, Options()) {}

  // IPv4 addresses if there are any, else IPv6 ones; never empty.
  // Errors: kConnection (no such name, no server answered), kTimeout.
  Result<std::vector<IpAddress>> resolve(std::string_view host, Deadline deadline);

 private:
  Result<std::vector<IpAddress>> ask_all(std::string_view host, RecordType type, Deadline deadline);

  const Clock& clock_;
  Random& random_;
  Options options_;
};

}  // namespace sdk
