#include "backups/ion.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"

namespace backups {

namespace {

using tables::Item;
using tables::Value;

constexpr int kDepthMax = 40;  // DynamoDB takes 32 levels
constexpr std::string_view kVersionMarker = "$ion_1_0";

bool is_symbol_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0U | code >> 6U);
  } else {
    if (code < 0x10000) {
      add(0xE0U | code >> 12U);
    } else {
      add(0xF0U | code >> 18U);
      add(0x80U | (code >> 12U & 0x3FU));
    }
    add(0x80U | (code >> 6U & 0x3FU));
  }
  add(0x80U | (code & 0x3FU));
}

// Every function answers nullopt for what is wrong, and leaves the rest to nobody.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<Item> line() {
    skip_spaces();
    if (rest_.starts_with(kVersionMarker)) rest_.remove_prefix(kVersionMarker.size());
    if (!take('{')) return std::nullopt;
    const auto name = field_name();
    if (name != "Item" || !take(':')) return std::nullopt;
    auto item = structure(0);
    if (!item || !take('}')) return std::nullopt;
    skip_spaces();
    return rest_.empty() ? std::move(item) : std::nullopt;
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }
  bool take(std::string_view what) {
    skip_spaces();
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  bool take(char c) { return take(std::string_view(&c, 1)); }

  std::string_view symbol() {
    skip_spaces();
    const auto end = std::ranges::find_if_not(rest_, is_symbol_character);
    const std::string_view found = rest_.substr(0, end - rest_.begin());
    rest_.remove_prefix(found.size());
    return found;
  }

  std::optional<std::uint32_t> hex(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : rest_.substr(0, digits)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      value = value << 4U | static_cast<std::uint32_t>(digit);
    }
    rest_.remove_prefix(digits);
    return value;
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      auto code = hex(digits);
      if (!code) return false;
      if (*code >= 0xD800 && *code < 0xDC00 && take_now("\\u")) {
        const auto low = hex(4);
        if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
        code = 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00);
      }
      if (*code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)) return false;
      append_utf8(out, *code);
      return true;
    }
    constexpr std::string_view kFrom = "abtnfrv0\"'\\/?";
    constexpr std::string_view kTo("\a\b\t\n\f\r\v\0\"'\\/?", 13);
    const std::size_t at = kFrom.find(c);
    if (at == std::string_view::npos) return false;
    out += kTo[at];
    return true;
  }
  bool take_now(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  // After the opening quote.
  std::optional<std::string> text(char quote) {
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == quote) return out;
      if (c != '\\') out += c;
      else if (!escape(out)) return std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<std::string> field_name() {
    skip_spaces();
    if (take('"')) return text('"');
    if (take('\'')) return text('\'');
    const std::string_view name = symbol();
    if (name.empty()) return std::nullopt;
    return std::string(name);
  }

  std::optional<Item> structure(int depth) {
    if (depth > kDepthMax || !take('{')) return std::nullopt;
    Item made;
    while (!take('}')) {
      if (!made.empty() && !take(',')) return std::nullopt;
      const auto name = field_name();
      if (!name || !take(':')) return std::nullopt;
      auto value = this->value(depth + 1);
      if (!value) return std::nullopt;
      made[*name] = *std::move(value);
    }
    return made;
  }

  std::optional<std::vector<Value>> list(int depth) {
    if (depth > kDepthMax || !take('[')) return std::nullopt;
    std::vector<Value> made;
    while (!take(']')) {
      if (!made.empty() && !take(',')) return std::nullopt;
      auto value = this->value(depth + 1);
      if (!value) return std::nullopt;
      made.push_back(*std::move(value));
    }
    return made;
  }

  std::optional<Value> set(char type, int depth) {
    const auto elements = list(depth);
    if (!elements) return std::nullopt;
    std::vector<std::string> texts;
    for (const Value& one : *elements) {
      if (type == 'S' && one.is_s()) texts.push_back(one.s());
      else if (type == 'N' && one.is_n()) texts.push_back(one.n());
      else if (type == 'B' && one.is_b()) texts.push_back(one.b());
      else return std::nullopt;
    }
    if (type == 'S') return Value::of_ss(std::move(texts));
    if (type == 'N') return Value::of_ns(std::move(texts));
    return Value::of_bs(std::move(texts));
  }

  std::optional<Value> number() {
    skip_spaces();
    const auto is_part = [](char c) {
      return (c >= '0' && c <= '9') || c == '.' || c == 'd' || c == 'D' || c == '-' || c == '+';
    };
    const auto end = std::ranges::find_if_not(rest_, is_part);
    std::string text(rest_.substr(0, end - rest_.begin()));
    rest_.remove_prefix(text.size());
    std::ranges::replace(text, 'd', 'E');
    std::ranges::replace(text, 'D', 'E');
    if (const std::size_t point = text.find(".E"); point != std::string::npos) text.erase(point, 1);
    if (text.ends_with('.')) text.pop_back();
    if (text.empty()) return std::nullopt;
    return Value::of_n(std::move(text));
  }

  std::optional<Value> value(int depth) {
    skip_spaces();
    if (rest_.empty() || depth > kDepthMax) return std::nullopt;
    if (take("$dynamodb_SS::")) return set('S', depth);
    if (take("$dynamodb_NS::")) return set('N', depth);
    if (take("$dynamodb_BS::")) return set('B', depth);
    if (take("{{")) {
      const std::size_t end = rest_.find("}}");
      if (end == std::string_view::npos) return std::nullopt;
      std::string base64(rest_.substr(0, end));
      rest_.remove_prefix(end + 2);
      std::erase(base64, ' ');
      auto bytes = base::from_base64(base64);
      if (!bytes) return std::nullopt;
      return Value::of_b(*std::move(bytes));
    }
    switch (rest_.front()) {
      case '{': {
        auto made = structure(depth);
        if (!made) return std::nullopt;
        return Value::of_m(*std::move(made));
      }
      case '[': {
        auto made = list(depth);
        if (!made) return std::nullopt;
        return Value::of_l(*std::move(made));
      }
      case '"': {
        rest_.remove_prefix(1);
        auto made = text('"');
        if (!made) return std::nullopt;
        return Value::of_s(*std::move(made));
      }
      default: break;
    }
    if (rest_.front() == '-' || (rest_.front() >= '0' && rest_.front() <= '9')) return number();
    const std::string_view word = symbol();
    if (word == "true" || word == "false") return Value::of_bool(word == "true");
    if (word == "null") return Value::of_null(true);
    return std::nullopt;
  }

  std::string_view rest_;
};

}  // namespace

api::Outcome<Item> parse_ion_item(std::string_view line) {
  auto item = Reader(line).line();
  if (!item) return tables::refuse("The line is no Ion text of an Item");
  return *std::move(item);
}

}  // namespace backups
