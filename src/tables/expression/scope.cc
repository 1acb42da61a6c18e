#include "tables/expression/scope.h"

#include <algorithm>

namespace tables::expression {

namespace {

constexpr std::size_t kPlaceholderBytesMax = 255;

bool is_placeholder(std::string_view key, char sigil) {
  if (key.size() < 2 || key[0] != sigil) return false;
  return std::all_of(key.begin() + 1, key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::optional<std::string> wrong_key(std::string_view map, std::string_view key, char sigil) {
  if (!is_placeholder(key, sigil))
    return std::string(map) + " contains invalid key: Syntax error; key: \"" + std::string(key) +
           "\"";
  if (key.size() > kPlaceholderBytesMax)
    return std::string(map) +
           " contains invalid key: The expression attribute map contains a key that is too long; "
           "key: \"" +
           std::string(key) + "\"";
  return std::nullopt;
}

std::string joined(const std::set<std::string, std::less<>>& keys) {
  std::string text;
  for (const auto& key : keys) {
    if (!text.empty()) text += ", ";
    text += key;
  }
  return text;
}

}  // namespace

Scope::Scope(const Names* names, const Values* values) : names_(names), values_(values) {
  if (names != nullptr) {
    for (const auto& [key, name] : *names) unused_names_.insert(key);
  }
  if (values != nullptr) {
    for (const auto& [key, value] : *values) unused_values_.insert(key);
  }
}

std::optional<std::string> Scope::prepare(const Names* names, Values* values) {
  if (names != nullptr) {
    if (names->empty()) return "ExpressionAttributeNames must not be empty";
    for (const auto& [key, name] : *names) {
      if (auto wrong = wrong_key("ExpressionAttributeNames", key, '#')) return wrong;
      if (name.empty())
        return "ExpressionAttributeNames contains invalid value: " + std::string(kEmptyName) +
               " for key " + key;
    }
  }
  if (values == nullptr) return std::nullopt;
  if (values->empty()) return "ExpressionAttributeValues must not be empty";
  for (const auto& [key, value] : *values) {
    if (auto wrong = wrong_key("ExpressionAttributeValues", key, ':')) return wrong;
  }
  for (auto& [key, value] : *values) {
    if (auto wrong = normalise(value))
      return "ExpressionAttributeValues contains invalid value: " + *wrong + " for key " + key;
  }
  return std::nullopt;
}

const std::string* Scope::name(std::string_view placeholder) {
  if (names_ == nullptr) return nullptr;
  const auto found = names_->find(std::string(placeholder));
  if (found == names_->end()) return nullptr;
  unused_names_.erase(found->first);
  return &found->second;
}

const Value* Scope::value(std::string_view placeholder) {
  if (values_ == nullptr) return nullptr;
  const auto found = values_->find(std::string(placeholder));
  if (found == values_->end()) return nullptr;
  unused_values_.erase(found->first);
  return &found->second;
}

std::optional<std::string> Scope::unused() const {
  if (!unused_names_.empty())
    return "Value provided in ExpressionAttributeNames unused in expressions: keys: {" +
           joined(unused_names_) + "}";
  if (!unused_values_.empty())
    return "Value provided in ExpressionAttributeValues unused in expressions: keys: {" +
           joined(unused_values_) + "}";
  return std::nullopt;
}

}  // namespace tables::expression
