#include "journal/keys.h"

#include "base/check.h"
#include "base/encoding.h"

namespace journal::keys {
namespace {

constexpr std::string_view kRoot = "journal/";
constexpr std::size_t kPartSize = kRoot.size() + 2 + 8;

std::string with_number(Part p, std::uint64_t group, std::uint64_t number) {
  std::string key = part(p, group);
  base::append_u64(key, number);
  return key;
}
void append_position(std::string& key, Position position) {
  base::append_u64(key, position.time_ms);
  base::append_u64(key, position.order);
}

}  // namespace

// Account and region hold no slash, so the key is unambiguous.
std::string group(const GroupKey& key) {
  return std::string(kGroups) + key.account_id + "/" + key.region + "/" + key.name;
}

std::string part(Part part, std::uint64_t group) {
  std::string key(kRoot);
  key.push_back(static_cast<char>(part));
  key.push_back('/');
  base::append_u64(key, group);
  return key;
}

std::string stream(std::uint64_t group, std::string_view name) {
  return part(Part::kStream, group).append(name);
}
std::string recent(std::uint64_t group, std::uint64_t last_time_ms, std::string_view name) {
  return with_number(Part::kRecent, group, last_time_ms).append(name);
}
std::string name(std::uint64_t group, std::uint64_t stream) {
  return with_number(Part::kName, group, stream);
}
std::string events(std::uint64_t group, std::uint64_t stream) {
  return with_number(Part::kEvent, group, stream);
}
std::string event(std::uint64_t group, std::uint64_t stream, Position position) {
  std::string key = events(group, stream);
  append_position(key, position);
  return key;
}
std::string index(std::uint64_t group, Position position) {
  std::string key = part(Part::kIndex, group);
  append_position(key, position);
  return key;
}
std::string doomed(std::uint64_t group, std::uint64_t stream) {
  return with_number(Part::kDoomed, group, stream);
}

Position position_of(std::string_view key) {
  CHECK(key.size() >= kPartSize + 16);
  key.remove_prefix(key.size() - 16);
  return {base::read_u64(key), base::read_u64(key.substr(8))};
}

std::string_view after_part(std::string_view key) {
  CHECK(key.size() >= kPartSize);
  return key.substr(kPartSize);
}

}  // namespace journal::keys
