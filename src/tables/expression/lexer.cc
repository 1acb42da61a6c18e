#include "tables/expression/lexer.h"

namespace tables::expression {

namespace {

using Kind = Token::Kind;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// How many bytes the UTF-8 character takes that starts here.
std::size_t character_length(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0xC0U ? 1 : byte < 0xE0U ? 2 : byte < 0xF0U ? 3 : 4;
}

struct Symbol {
  std::string_view text;
  Kind kind;
};
// Longer ones first.
constexpr Symbol kSymbols[] = {
    {"<>", Kind::kNotEqual},    {"<=", Kind::kLessEqual}, {">=", Kind::kGreaterEqual},
    {"(", Kind::kOpen},         {")", Kind::kClose},      {"[", Kind::kOpenBracket},
    {"]", Kind::kCloseBracket}, {",", Kind::kComma},      {".", Kind::kDot},
    {"=", Kind::kEqual},        {"<", Kind::kLess},       {">", Kind::kGreater},
    {"+", Kind::kPlus},         {"-", Kind::kMinus},
};

Token next(std::string_view text, std::size_t at) {
  const auto token = [&](Kind kind, std::size_t end) {
    return Token{kind, text.substr(at, end - at), at, end};
  };
  const auto word_end = [&](std::size_t from) {
    while (from < text.size() && is_word(text[from])) ++from;
    return from;
  };
  const char c = text[at];
  if (is_letter(c)) return token(Kind::kIdentifier, word_end(at + 1));
  if (c == '#' || c == ':') {
    const std::size_t end = word_end(at + 1);
    if (end == at + 1) return token(Kind::kUnknown, end);
    return token(c == '#' ? Kind::kName : Kind::kValue, end);
  }
  if (is_digit(c)) {
    std::size_t end = at + 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    return token(Kind::kInteger, end);
  }
  for (const Symbol& symbol : kSymbols) {
    if (text.substr(at).starts_with(symbol.text))
      return token(symbol.kind, at + symbol.text.size());
  }
  return token(Kind::kUnknown, std::min(text.size(), at + character_length(c)));
}

}  // namespace

std::vector<Token> tokenize(std::string_view expression) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (true) {
    while (at < expression.size() && is_space(expression[at])) ++at;
    if (at == expression.size()) break;
    tokens.push_back(next(expression, at));
    at = tokens.back().end;
  }
  tokens.push_back({Kind::kEnd, "<EOF>", expression.size(), expression.size()});
  return tokens;
}

bool is_keyword(const Token& token, std::string_view upper) {
  if (token.kind != Kind::kIdentifier || token.text.size() != upper.size()) return false;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    const char c = token.text[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != upper[i]) return false;
  }
  return true;
}

}  // namespace tables::expression
