#include "wire/http_types.h"

#include "base/ascii.h"

namespace wire {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return base::equal_ignoring_case(a, b);
}

const std::string* find_header(const std::vector<Header>& headers, std::string_view name) {
  for (const auto& header : headers)
    if (base::equal_ignoring_case(header.name, name)) return &header.value;
  return nullptr;
}

}  // namespace wire
