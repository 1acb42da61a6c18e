#include "wire/http_types.h"

namespace wire {
namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

const std::string* find_header(const std::vector<Header>& headers, std::string_view name) {
  // Most names differ in length or in their last letter, few in their first ("x-amz-...").
  if (name.empty()) return nullptr;
  const char last = lower(name.back());
  for (const auto& header : headers) {
    if (header.name.size() != name.size() || lower(header.name.back()) != last) continue;
    if (equal_ignoring_case(header.name, name)) return &header.value;
  }
  return nullptr;
}

}  // namespace wire
