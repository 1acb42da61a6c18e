#include "sdk/environment.h"

#include <unistd.h>

namespace sdk {

Environment Environment::of_process() {
  std::map<std::string, std::string, std::less<>> values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    values.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return Environment(std::move(values));
}

std::string Environment::get(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second;
}

std::string Environment::first_of(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    std::string value = get(name);
    if (!value.empty()) return value;
  }
  return {};
}

}  // namespace sdk
