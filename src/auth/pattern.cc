#include "auth/pattern.h"

namespace auth {
namespace pattern {
namespace {

void append_literal(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '*' || c == '?' || c == kLiteral) out += kLiteral;
    out += c;
  }
}

bool needs_glob(std::string_view text) {
  return text.find_first_of(std::string_view("*?\x01", 3)) != std::string_view::npos;
}

// "aws:username, 'nobody'": the key and, after the comma, what stands in for a missing value.
struct Variable {
  std::string key;
  std::optional<std::string_view> fallback;
};

Variable parse_variable(std::string_view inside) {
  Variable variable;
  const std::size_t comma = inside.find(',');
  std::string_view key = inside.substr(0, comma);
  while (!key.empty() && key.front() == ' ') key.remove_prefix(1);
  while (!key.empty() && key.back() == ' ') key.remove_suffix(1);
  variable.key = lower(key);
  if (comma == std::string_view::npos) return variable;
  const std::size_t open = inside.find('\'', comma);
  const std::size_t close = inside.rfind('\'');
  if (open != std::string_view::npos && close > open)
    variable.fallback = inside.substr(open + 1, close - open - 1);
  return variable;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

Pattern prepare(std::string_view text, bool variables) {
  Pattern made;
  made.text.reserve(text.size());
  while (!text.empty()) {
    const std::size_t close =
        variables && text.starts_with("${") ? text.find('}') : std::string_view::npos;
    if (close != std::string_view::npos) {
      const std::string_view inside = text.substr(2, close - 2);
      if (inside == "*" || inside == "?" || inside == "$") {
        made.text += kLiteral;
        made.text += inside;
      } else {
        made.text += text.substr(0, close + 1);
        made.has_variables = true;
      }
      text.remove_prefix(close + 1);
      continue;
    }
    const char c = text.front();
    if (c == kLiteral) made.text += kLiteral;
    // "**" means no more than "*", and matching it costs more.
    if (c != '*' || !made.text.ends_with('*') || made.text.ends_with("\x01*")) made.text += c;
    text.remove_prefix(1);
  }
  made.has_wildcards = needs_glob(made.text);
  return made;
}

std::optional<Pattern> expand(const Pattern& pattern, const Context& context) {
  Pattern made;
  std::string_view rest = pattern.text;
  while (true) {
    const std::size_t open = rest.find("${");
    const std::size_t close = open == std::string_view::npos ? open : rest.find('}', open);
    if (close == std::string_view::npos) break;
    made.text += rest.substr(0, open);
    const Variable variable = parse_variable(rest.substr(open + 2, close - open - 2));
    const std::vector<std::string>* values = context.find(variable.key);
    if (values != nullptr && values->size() == 1) append_literal(made.text, values->front());
    else if (variable.fallback) append_literal(made.text, *variable.fallback);
    else return std::nullopt;
    rest.remove_prefix(close + 1);
  }
  made.text += rest;
  made.has_wildcards = needs_glob(made.text);
  return made;
}

std::string literal(const Pattern& pattern) {
  std::string out;
  out.reserve(pattern.text.size());
  for (std::size_t i = 0; i < pattern.text.size(); ++i) {
    if (pattern.text[i] == kLiteral && i + 1 < pattern.text.size()) ++i;
    out += pattern.text[i];
  }
  return out;
}

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // where to take up again after a mismatch
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      if (p == pattern.size()) return true;
      continue;
    }
    const bool escaped = p + 1 < pattern.size() && pattern[p] == kLiteral;
    const std::size_t at = escaped ? p + 1 : p;
    if (at < pattern.size() && ((!escaped && pattern[at] == '?') || pattern[at] == text[t])) {
      p = at + 1;
      ++t;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace pattern

bool matches(const Pattern& pattern, std::string_view text) {
  return pattern.has_wildcards ? pattern::glob(pattern.text, text) : pattern.text == text;
}

Pattern make_pattern(std::string_view text) { return pattern::prepare(text, false); }

}  // namespace auth
