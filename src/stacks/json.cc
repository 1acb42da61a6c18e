#include <fmt/format.h>

#include <unordered_map>

#include "base/encoding.h"
#include "stacks/value.h"

namespace stacks {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of the JSON number that `text` starts with; 0: none.
std::size_t number_length(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (at < text.size() && text[at] == '0') ++at;
  else if (!digits()) return 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return 0;
  }
  return at;
}

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0U | (point >> 6U));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0U | (point >> 12U));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  } else {
    out += static_cast<char>(0xf0U | (point >> 18U));
    out += static_cast<char>(0x80U | ((point >> 12U) & 0x3fU));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  }
}

// Recursive descent; every function answers false where the text is not JSON, with at_ there.
class JsonParser {
 public:
  JsonParser(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {}

  base::Result<Value> run() {
    Value value;
    bool ok = base::is_valid_utf8(text_) && parse(value, 0);
    if (ok) {
      skip_space();
      ok = at_ == text_.size();
    }
    if (ok) return value;
    const TextPosition where = position_of(text_, at_);
    return base::error(
        base::ErrorCode::kInvalidArgument,
        fmt::format("JSON not well-formed. (line {}, column {})", where.line, where.column));
  }

 private:
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool parse(Value& out, std::size_t depth) {
    skip_space();
    if (at_ >= text_.size() || depth > depth_max_) return false;
    switch (text_[at_]) {
      case '{': return parse_object(out, depth);
      case '[': return parse_list(out, depth);
      case '"': {
        std::string text;
        if (!parse_string(text)) return false;
        out = Value::string(std::move(text));
        return true;
      }
      case 't': out = Value::boolean(true); return word("true");
      case 'f': out = Value::boolean(false); return word("false");
      case 'n': out = Value(); return word("null");
      default: {
        const std::size_t length = number_length(text_.substr(at_));
        if (length == 0) return false;
        out = Value::number(std::string(text_.substr(at_, length)));
        at_ += length;
        return true;
      }
    }
  }

  bool parse_list(Value& out, std::size_t depth) {
    ++at_;
    std::vector<Value> items;
    if (!take(']')) {
      do {
        if (!parse(items.emplace_back(), depth + 1)) return false;
      } while (take(','));
      if (!take(']')) return false;
    }
    out = Value::list(std::move(items));
    return true;
  }

  // Keys are looked up in a table of their own once there are many, so that a body of nothing but
  // members does not take quadratic time.
  bool parse_object(Value& out, std::size_t depth) {
    ++at_;
    std::vector<std::string> keys;
    std::vector<Value> values;
    std::unordered_map<std::string, std::size_t> places;
    if (!take('}')) {
      do {
        skip_space();
        std::string key;
        Value value;
        if (at_ >= text_.size() || text_[at_] != '"' || !parse_string(key)) return false;
        if (!take(':') || !parse(value, depth + 1)) return false;
        const auto [place, is_new] = places.emplace(key, keys.size());
        if (is_new) {
          keys.push_back(std::move(key));
          values.push_back(std::move(value));
        } else {
          values[place->second] = std::move(value);
        }
      } while (take(','));
      if (!take('}')) return false;
    }
    out = Value::object(std::move(keys), std::move(values));
    return true;
  }

  bool parse_hex4(std::uint32_t& out) {
    if (text_.size() - at_ < 4) return false;
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_];
      std::uint32_t digit = 0;
      if (is_digit(c)) digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f') digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F') digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else return false;
      out = out * 16 + digit;
      ++at_;
    }
    return true;
  }

  bool parse_escape(std::string& out) {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_++];
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const auto name = kNames.find(c); name != std::string_view::npos) {
      out += kMeanings[name];
      return true;
    }
    std::uint32_t point = 0;
    if (c != 'u' || !parse_hex4(point)) return false;
    if (point >= 0xdc00 && point <= 0xdfff) return false;
    if (point >= 0xd800 && point <= 0xdbff) {
      std::uint32_t low = 0;
      if (!word("\\u") || !parse_hex4(low) || low < 0xdc00 || low > 0xdfff) return false;
      point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
    }
    append_utf8(out, point);
    return true;
  }

  bool parse_string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      ++at_;
      if (c != '\\') out += c;
      else if (!parse_escape(out)) return false;
    }
    return false;
  }

  std::string_view text_;
  const std::size_t depth_max_;
  std::size_t at_ = 0;
};

}  // namespace

base::Result<Value> parse_json(std::string_view text, std::size_t depth_max) {
  return JsonParser(text, depth_max).run();
}

bool is_json_number(std::string_view text) {
  return !text.empty() && number_length(text) == text.size();
}

}  // namespace stacks
