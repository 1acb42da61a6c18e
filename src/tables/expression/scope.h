#pragma once

// Scope: the names and values that a request's expressions may refer to, and which of them were
// used. Lives as long as one request's compilation; refers to the request.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "tables/value.h"

namespace tables::expression {

class Scope {
 public:
  using Names = std::map<std::string, std::string>;
  using Values = std::map<std::string, Value>;

  // nullptr: not in the request.
  Scope(const Names* names, const Values* values);

  // AWS's text if the maps themselves are malformed (empty, bad keys, bad values). Values must have
  // been normalised by `prepare` first.
  static std::optional<std::string> prepare(const Names* names, Values* values);

  // nullptr: not defined. Marks it as used.
  const std::string* name(std::string_view placeholder);
  const Value* value(std::string_view placeholder);

  // AWS's text if some name or value was never used.
  std::optional<std::string> unused() const;

 private:
  const Names* names_;
  const Values* values_;
  std::set<std::string, std::less<>> unused_names_;
  std::set<std::string, std::less<>> unused_values_;
};

}  // namespace tables::expression
