// The process's environment variables, read once: a plain map that tests can write by hand.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace sdk {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> values)
      : values_(std::move(values)) {}
  // A copy of what the process was started with.
  static Environment of_process();

  // Empty if unset: nothing here tells an empty variable from a missing one.
  std::string get(std::string_view name) const;
  // The first of the names that is set and not empty.
  std::string first_of(std::initializer_list<std::string_view> names) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace sdk
