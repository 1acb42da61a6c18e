#include "sdk/dns_message.h"

#include <arpa/inet.h>

#include <algorithm>

#include "sdk/http_message.h"

namespace sdk {
namespace {

constexpr std::size_t kDnsHeadBytes = 12;

std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find_first_of("#;"));
  std::vector<std::string_view> words;
  constexpr std::string_view kBlank = " \t\r";
  while (true) {
    const std::size_t begin = line.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(words_of(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_u16(std::string& out, unsigned value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

unsigned u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]) * 256U + static_cast<unsigned char>(bytes[at + 1]);
}

// The position behind an encoded name; pointers are not followed, they end the name.
std::optional<std::size_t> skip_name(std::string_view message, std::size_t at) {
  while (at < message.size()) {
    const auto length = static_cast<unsigned char>(message[at]);
    if (length == 0) return at + 1;
    if ((length & 0xc0) == 0xc0) return at + 2;
    if (length > 63) return std::nullopt;
    at += length + 1U;
  }
  return std::nullopt;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string copy(text.substr(0, text.find('%')));  // a zone is of no use here
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::vector<IpAddress> find_in_hosts(std::string_view hosts_file, std::string_view name) {
  std::vector<IpAddress> found;
  each_line(hosts_file, [&](const std::vector<std::string_view>& words) {
    if (words.size() < 2 || found.size() >= kAnswersMax) return;
    const bool named = std::any_of(words.begin() + 1, words.end(), [&](std::string_view word) {
      return equal_ignoring_case(word, name);
    });
    if (!named) return;
    if (const auto address = parse_ip(words[0])) found.push_back(*address);
  });
  return found;
}

std::vector<IpAddress> name_servers(std::string_view resolv_conf) {
  std::vector<IpAddress> servers;
  each_line(resolv_conf, [&](const std::vector<std::string_view>& words) {
    if (words.size() < 2 || words[0] != "nameserver" || servers.size() >= kNameServersMax) return;
    if (const auto address = parse_ip(words[1])) servers.push_back(*address);
  });
  return servers;
}

std::optional<std::string> dns_query(std::uint16_t id, std::string_view name, RecordType type) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return std::nullopt;
  std::string out;
  append_u16(out, id);
  append_u16(out, 0x0100);  // recursion desired
  append_u16(out, 1);       // one question, nothing else
  out.append(6, '\0');
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > 63) return std::nullopt;
    if (!std::ranges::all_of(label, is_host_character)) return std::nullopt;
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
    if (label.size() == name.size()) break;
    name.remove_prefix(label.size() + 1);
  }
  out.push_back('\0');
  append_u16(out, static_cast<unsigned>(type));
  append_u16(out, 1);  // class Internet
  return out;
}

std::optional<std::vector<IpAddress>> dns_answer(std::string_view query, std::string_view answer,
                                                 RecordType type) {
  if (answer.size() < query.size() || query.size() < kDnsHeadBytes) return std::nullopt;
  if (u16_at(answer, 0) != u16_at(query, 0)) return std::nullopt;
  const unsigned flags = u16_at(answer, 2);
  if ((flags & 0x8000) == 0 || u16_at(answer, 4) != 1) return std::nullopt;
  // Servers may answer in another letter case than they were asked in.
  if (!equal_ignoring_case(answer.substr(kDnsHeadBytes, query.size() - kDnsHeadBytes),
                           query.substr(kDnsHeadBytes))) {
    return std::nullopt;
  }
  const unsigned code = flags & 0xf;
  if (code == 3) return std::vector<IpAddress>();  // no such name
  if (code != 0) return std::nullopt;
  std::vector<IpAddress> found;
  std::size_t at = query.size();
  const std::size_t address_bytes = type == RecordType::kA ? 4 : 16;
  for (unsigned left = u16_at(answer, 6); left > 0 && found.size() < kAnswersMax; --left) {
    const auto behind = skip_name(answer, at);
    if (!behind || *behind + 10 > answer.size()) return std::nullopt;
    const unsigned record_type = u16_at(answer, *behind);
    const std::size_t length = u16_at(answer, *behind + 8);
    const std::size_t data = *behind + 10;
    if (data + length > answer.size()) return std::nullopt;
    at = data + length;
    if (record_type != static_cast<unsigned>(type) || length != address_bytes) continue;
    IpAddress address{.v6 = type == RecordType::kAaaa, .bytes = {}};
    std::copy_n(answer.begin() + static_cast<std::ptrdiff_t>(data), length, address.bytes.begin());
    found.push_back(address);
  }
  return found;
}

}  // namespace sdk
