// matches_pattern() of validate.h: AWS's patterns are Java's; RE2 reads nearly the same language in
// linear time. The commonest, one class of ASCII characters repeated, needs no engine.

#include <re2/re2.h>

#include <array>
#include <bitset>
#include <memory>
#include <unordered_map>

#include "wire/validate.h"

namespace wire {
namespace {

constexpr std::int64_t kPatternMemoryMax = 1 << 20;

// Patterns with look-around, in other words: what has to match, and what must not.
struct Rewritten {
  std::string_view pattern;
  std::string_view wanted;
  std::string_view forbidden;
};
constexpr std::array kRewritten = {
    Rewritten{"((?!^\\d+$)^[0-9a-zA-Z-_]+$)", "[0-9a-zA-Z_-]+", "\\d+"},
    Rewritten{"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "[a-zA-Z0-9_-]+", "[0-9]+"},
    Rewritten{"(^(?!(system\\x2e)))(^[_a-zA-Z0-9])([^$]*)", "[_a-zA-Z0-9][^$]*", "(?s)system\\..*"},
    Rewritten{"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
              ".*--.*"},
    Rewritten{"[0-9A-Za-z\\.\\-_]*(?<!\\.)", "[0-9A-Za-z._-]*", ".*\\."},
};

std::optional<unsigned> take_hex4(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(2, 4)) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 32));
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

bool is_high_surrogate(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }

// One step of the translation: writes what stands at the front, answers how much that was.
std::size_t translate_front(std::string_view text, bool in_class, std::string& out) {
  if (text.starts_with("\\p{Print}")) {
    out += in_class ? "[:print:]" : "[[:print:]]";
    return 9;
  }
  const auto unit = take_hex4(text);
  if (!unit) {
    const std::size_t length = text[0] == '\\' && text.size() > 1 ? 2 : 1;
    out += text.substr(0, length);
    return length;
  }
  const auto second = is_high_surrogate(*unit) ? take_hex4(text.substr(6)) : std::nullopt;
  const unsigned point = second ? 0x10000 + ((*unit - 0xd800) << 10U) + (*second - 0xdc00) : *unit;
  std::array<char, 16> buffer;
  const int length = std::snprintf(buffer.data(), buffer.size(), "\\x{%X}", point);
  out.append(buffer.data(), static_cast<std::size_t>(length));
  return second ? 12 : 6;
}

// Java's spelling to RE2's: \uXXXX (pairs of surrogates are one character) and \p{Print}.
std::string translate(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  while (!pattern.empty()) {
    if (pattern[0] == '[') in_class = true;
    if (pattern[0] == ']') in_class = false;
    pattern.remove_prefix(translate_front(pattern, in_class, out));
  }
  return out;
}

// "[a-zA-Z0-9_.-]+", with or without ^ and $: a set of ASCII characters and the least number.
class SimpleClass {
 public:
  static std::optional<SimpleClass> parse(std::string_view pattern) {
    if (pattern.starts_with('^') && pattern.ends_with('$'))
      pattern = pattern.substr(1, pattern.size() - 2);
    const bool repeats = pattern.ends_with("]+") || pattern.ends_with("]*");
    if (!pattern.starts_with('[') || pattern.starts_with("[^") || !repeats) return std::nullopt;
    SimpleClass made;
    made.may_be_empty_ = pattern.ends_with('*');
    if (!made.fill(pattern.substr(1, pattern.size() - 3))) return std::nullopt;
    return made;
  }

  bool matches(std::string_view text) const {
    if (text.empty()) return may_be_empty_;
    bool all = true;
    for (const char c : text) all &= allowed_[static_cast<unsigned char>(c)];
    return all;
  }

 private:
  bool fill(std::string_view inside) {
    while (!inside.empty()) {
      if (inside[0] == '[' || inside[0] == ']' || inside[0] == '&') return false;
      if (inside[0] == '\\') {
        if (inside.size() < 2 || !fill_escape(inside[1])) return false;
        inside.remove_prefix(2);
        continue;
      }
      const bool range = inside.size() > 2 && inside[1] == '-' && std::isalnum(inside[0]) != 0 &&
                         std::isalnum(inside[2]) != 0;
      if (range) add(inside[0], inside[2]);
      else if (inside.size() > 2 && inside[1] == '-' && inside[0] != '-') return false;
      else add(inside[0], inside[0]);
      inside.remove_prefix(range ? 3 : 1);
    }
    return true;
  }

  bool fill_escape(char c) {
    if (c == 'w') {
      add('a', 'z');
      add('A', 'Z');
      add('_', '_');
    }
    if (c == 'w' || c == 'd') {
      add('0', '9');
      return true;
    }
    if (std::isalnum(c) != 0) return false;
    add(c, c);
    return true;
  }

  void add(char first, char last) {
    for (int c = first; c <= last; ++c) allowed_.set(static_cast<std::size_t>(c));
  }

  std::bitset<256> allowed_;
  bool may_be_empty_ = false;
};

class Pattern {
 public:
  explicit Pattern(std::string_view pattern) : simple_(SimpleClass::parse(pattern)) {
    if (simple_) return;
    for (const Rewritten& other : kRewritten) {
      if (other.pattern != pattern) continue;
      wanted_ = compile(std::string(other.wanted));
      forbidden_ = compile(std::string(other.forbidden));
      return;
    }
    wanted_ = compile(translate(pattern));
  }

  std::optional<bool> matches(std::string_view text) const {
    if (simple_) return simple_->matches(text);
    if (!wanted_->ok()) return std::nullopt;
    const re2::StringPiece piece(text.data(), text.size());
    if (forbidden_ && RE2::FullMatch(piece, *forbidden_)) return false;
    return RE2::FullMatch(piece, *wanted_);
  }

 private:
  static std::unique_ptr<RE2> compile(const std::string& pattern) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kPatternMemoryMax);
    return std::make_unique<RE2>(pattern, options);
  }

  std::optional<SimpleClass> simple_;
  std::unique_ptr<RE2> wanted_;
  std::unique_ptr<RE2> forbidden_;
};

}  // namespace

std::optional<bool> matches_pattern(std::string_view pattern, std::string_view text) {
  // One cache a thread needs no lock; the patterns are the models', so there is an end to them.
  thread_local std::unordered_map<std::string_view, std::unique_ptr<Pattern>> cache;
  auto& compiled = cache[pattern];
  if (!compiled) compiled = std::make_unique<Pattern>(pattern);
  return compiled->matches(text);
}

}  // namespace wire
