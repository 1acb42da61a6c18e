#pragma once

// In the place of a header of the AWS SDK for C++, which Debian does not have: as much of its JSON
// classes as the runtime's example for API Gateway uses.

#include <boost/json.hpp>
#include <string>

namespace Aws::Utils::Json {

class JsonView {
 public:
  explicit JsonView(const boost::json::value* value) : value_(value) {}

  bool ValueExists(const std::string& key) const { return member(key) != nullptr; }
  JsonView GetObject(const std::string& key) const { return JsonView(member(key)); }
  bool IsString() const { return value_ != nullptr && value_->is_string(); }
  std::string GetString(const std::string& key) const {
    const boost::json::value* found = member(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
  }
  std::string WriteCompact() const { return boost::json::serialize(*value_); }

 private:
  const boost::json::value* member(const std::string& key) const {
    return value_ != nullptr && value_->is_object() ? value_->get_object().if_contains(key)
                                                    : nullptr;
  }

  const boost::json::value* value_;
};

class JsonValue {
 public:
  JsonValue() : value_(boost::json::object()) {}
  explicit JsonValue(const std::string& text) : value_(boost::json::parse(text, failure_)) {}

  bool WasParseSuccessful() const { return !failure_; }
  JsonView View() const { return JsonView(&value_); }
  JsonValue& WithString(const std::string& key, const std::string& text) {
    value_.as_object()[key] = text;
    return *this;
  }

 private:
  boost::system::error_code failure_;
  boost::json::value value_;
};

}  // namespace Aws::Utils::Json
