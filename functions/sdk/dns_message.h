// Name resolution without any network: the hosts file, resolv.conf, DNS queries and answers
// (RFC 1035, RFC 3596). A statically linked program cannot rely on the C library's resolver,
// which loads plug-ins of exactly its own version at run time; see resolver.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sdk {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; the first four for IPv4

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

enum class RecordType : std::uint16_t { kA = 1, kAaaa = 28 };

inline constexpr std::size_t kNameServersMax = 3;
inline constexpr std::size_t kAnswersMax = 16;

// A literal address such as 127.0.0.1 or ::1.
std::optional<IpAddress> parse_ip(std::string_view text);

// The addresses that a hosts file gives for a name (compared without case), in its order.
std::vector<IpAddress> find_in_hosts(std::string_view hosts_file, std::string_view name);

// The name servers of a resolv.conf, at most kNameServersMax; other lines are skipped.
std::vector<IpAddress> name_servers(std::string_view resolv_conf);

// A recursive query for one name; nothing if the name is not a valid host name.
std::optional<std::string> dns_query(std::uint16_t id, std::string_view name, RecordType type);

// The addresses in an answer to exactly that query (same id and question): at most kAnswersMax,
// empty if the name has none of this type. Nothing if it is not the answer or is damaged.
// All address records of the answer section count, whatever their owner: a CNAME chain ends in
// them, and a server that answers this id and question could name any address anyway.
std::optional<std::vector<IpAddress>> dns_answer(std::string_view query, std::string_view answer,
                                                 RecordType type);

}  // namespace sdk
