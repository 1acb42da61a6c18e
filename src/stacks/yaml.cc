#include "stacks/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <unordered_map>

#include "base/encoding.h"

namespace stacks {

namespace {

// Ends yaml-cpp's parse from within its callbacks; never leaves this file.
struct Refused {
  std::string message;
};

std::string not_well_formed(const YAML::Mark& mark) {
  return fmt::format("Template format error: YAML not well-formed. (line {}, column {})",
                     mark.line + 1, mark.column + 1);
}

constexpr std::array kFunctions = {
    "And",   "Base64",      "Cidr",         "Equals",    "FindInMap", "GetAZs", "GetAtt",
    "If",    "ImportValue", "Join",         "Length",    "Not",       "Or",     "Select",
    "Split", "Sub",         "ToJsonString", "Transform", "ForEach"};

// "Ref" for "!Ref", "Fn::Sub" for "!Sub"; empty for a tag that is no function.
std::string function_of(const std::string& tag) {
  if (tag == "!Ref" || tag == "!Condition") return tag.substr(1);
  if (tag.size() < 2 || tag[0] != '!') return "";
  const bool known =
      std::find(kFunctions.begin(), kFunctions.end(), tag.substr(1)) != kFunctions.end();
  return known ? "Fn::" + tag.substr(1) : "";
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// A plain scalar's meaning. Numbers that JSON would not write the same way (octal, hexadecimal,
// leading zeros, 1_000) stay text: an account number must not change its value.
Value plain_scalar(const std::string& text) {
  if (text.empty() || is_one_of(text, {"~", "null", "Null", "NULL"})) return {};
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}))
    return Value::boolean(true);
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}))
    return Value::boolean(false);
  if (is_json_number(text)) return Value::number(text);
  return Value::string(text);
}

Value scalar_of(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
  static constexpr std::string_view kStandard = "tag:yaml.org,2002:";
  if (tag == "!" || tag == std::string(kStandard) + "str") return Value::string(text);
  if (tag.empty() || tag == "?") return plain_scalar(text);
  if (tag.starts_with(kStandard)) {
    const std::string_view type = std::string_view(tag).substr(kStandard.size());
    if (is_one_of(type, {"int", "float", "bool", "null"})) return plain_scalar(text);
    throw Refused{not_well_formed(mark)};
  }
  const std::string function = function_of(tag);
  if (function.empty()) throw Refused{not_well_formed(mark)};
  Value argument = Value::string(text);
  if (const auto dot = text.find('.'); function == "Fn::GetAtt" && dot != std::string::npos)
    argument =
        Value::list({Value::string(text.substr(0, dot)), Value::string(text.substr(dot + 1))});
  return Value::object({function}, {std::move(argument)});
}

// Builds the tree from yaml-cpp's events (the library itself stops at 500 levels), so that nothing
// of the library's own node graph (whose cost a hostile document could choose) is made.
class Builder final : public YAML::EventHandler {
 public:
  Value take() { return std::move(root_); }
  bool has_root() const { return has_root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override { add(Value()); }
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {
    throw Refused{"Template error: YAML aliases are not allowed in CloudFormation templates"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    if (wants_key()) open_.back().key = text, open_.back().has_key = true;
    else add(scalar_of(mark, tag, text));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, true);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    bool is_map = false;
    std::string function;  // of its tag
    std::vector<std::string> keys;
    std::vector<Value> values;
    std::unordered_map<std::string, std::size_t> places;
    std::string key;
    bool has_key = false;
  };

  bool wants_key() const { return !open_.empty() && open_.back().is_map && !open_.back().has_key; }

  void open(const YAML::Mark& mark, const std::string& tag, bool is_map) {
    if (wants_key()) throw Refused{not_well_formed(mark)};  // only scalars name members
    Open opened;
    opened.is_map = is_map;
    if (!tag.empty() && tag != "?" && tag != "!" && !tag.starts_with("tag:yaml.org,2002:")) {
      opened.function = function_of(tag);
      if (opened.function.empty()) throw Refused{not_well_formed(mark)};
    }
    // A tag makes a level of its own; so may the scalar inside.
    depth_ += opened.function.empty() ? 1 : 2;
    if (depth_ + 3 > kDepthMax) throw Refused{not_well_formed(mark)};
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    depth_ -= closed.function.empty() ? 1 : 2;
    Value value = closed.is_map ? Value::object(std::move(closed.keys), std::move(closed.values))
                                : Value::list(std::move(closed.values));
    if (!closed.function.empty()) value = Value::object({closed.function}, {std::move(value)});
    add(std::move(value));
  }

  void add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      has_root_ = true;
      return;
    }
    Open& in = open_.back();
    if (!in.is_map) {
      in.values.push_back(std::move(value));
      return;
    }
    if (!in.has_key) {  // a null key
      in.key = "null";
      in.has_key = true;
      return;
    }
    in.has_key = false;
    const auto [place, is_new] = in.places.emplace(in.key, in.keys.size());
    if (is_new) {
      in.keys.push_back(std::move(in.key));
      in.values.push_back(std::move(value));
    } else {
      in.values[place->second] = std::move(value);
    }
  }

  std::vector<Open> open_;
  std::size_t depth_ = 0;
  Value root_;
  bool has_root_ = false;
};

}  // namespace

base::Result<Value> parse_yaml(std::string_view text) {
  if (!base::is_valid_utf8(text))
    return base::error(base::ErrorCode::kInvalidArgument,
                       "Template format error: YAML not well-formed. (line 1, column 1)");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    parser.HandleNextDocument(builder);
    if (!builder.has_root())
      return base::error(base::ErrorCode::kInvalidArgument,
                         "Template format error: unsupported structure.");
    return builder.take();
  } catch (const Refused& refused) {
    return base::error(base::ErrorCode::kInvalidArgument, refused.message);
  } catch (const YAML::Exception& exception) {
    return base::error(base::ErrorCode::kInvalidArgument, not_well_formed(exception.mark));
  } catch (const std::exception&) {
    return base::error(base::ErrorCode::kInvalidArgument,
                       "Template format error: YAML not well-formed. (line 1, column 1)");
  }
}

}  // namespace stacks
