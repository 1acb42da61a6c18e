#include "tables/partiql/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tables::partiql {

namespace {

using Kind = Token::Kind;

// SQL-92's reserved words without the parts of dates (year, month ...) and without size, which are
// attributes' names in AWS's own examples; and PartiQL's. Sorted.
constexpr auto kKeywords = std::to_array<std::string_view>({"ABSOLUTE",
                                                            "ACTION",
                                                            "ADD",
                                                            "ALL",
                                                            "ALLOCATE",
                                                            "ALTER",
                                                            "AND",
                                                            "ANY",
                                                            "ARE",
                                                            "AS",
                                                            "ASC",
                                                            "ASSERTION",
                                                            "AT",
                                                            "AUTHORIZATION",
                                                            "AVG",
                                                            "BEGIN",
                                                            "BETWEEN",
                                                            "BIT",
                                                            "BIT_LENGTH",
                                                            "BY",
                                                            "CASCADE",
                                                            "CASCADED",
                                                            "CASE",
                                                            "CAST",
                                                            "CATALOG",
                                                            "CHAR",
                                                            "CHARACTER",
                                                            "CHARACTER_LENGTH",
                                                            "CHAR_LENGTH",
                                                            "CHECK",
                                                            "CLOSE",
                                                            "COALESCE",
                                                            "COLLATE",
                                                            "COLLATION",
                                                            "COLUMN",
                                                            "COMMIT",
                                                            "CONNECT",
                                                            "CONNECTION",
                                                            "CONSTRAINT",
                                                            "CONSTRAINTS",
                                                            "CONTINUE",
                                                            "CONVERT",
                                                            "CORRESPONDING",
                                                            "COUNT",
                                                            "CREATE",
                                                            "CROSS",
                                                            "CURRENT",
                                                            "CURRENT_DATE",
                                                            "CURRENT_TIME",
                                                            "CURRENT_TIMESTAMP",
                                                            "CURRENT_USER",
                                                            "CURSOR",
                                                            "DATE",
                                                            "DEALLOCATE",
                                                            "DEC",
                                                            "DECIMAL",
                                                            "DECLARE",
                                                            "DEFAULT",
                                                            "DEFERRABLE",
                                                            "DEFERRED",
                                                            "DELETE",
                                                            "DESC",
                                                            "DESCRIBE",
                                                            "DESCRIPTOR",
                                                            "DIAGNOSTICS",
                                                            "DISCONNECT",
                                                            "DISTINCT",
                                                            "DOMAIN",
                                                            "DOUBLE",
                                                            "DROP",
                                                            "ELSE",
                                                            "END",
                                                            "END-EXEC",
                                                            "ESCAPE",
                                                            "EXCEPT",
                                                            "EXCEPTION",
                                                            "EXEC",
                                                            "EXECUTE",
                                                            "EXISTS",
                                                            "EXTERNAL",
                                                            "EXTRACT",
                                                            "FALSE",
                                                            "FETCH",
                                                            "FIRST",
                                                            "FLOAT",
                                                            "FOR",
                                                            "FOREIGN",
                                                            "FOUND",
                                                            "FROM",
                                                            "FULL",
                                                            "GET",
                                                            "GLOBAL",
                                                            "GO",
                                                            "GOTO",
                                                            "GRANT",
                                                            "GROUP",
                                                            "HAVING",
                                                            "IDENTITY",
                                                            "IMMEDIATE",
                                                            "IN",
                                                            "INDICATOR",
                                                            "INITIALLY",
                                                            "INNER",
                                                            "INPUT",
                                                            "INSENSITIVE",
                                                            "INSERT",
                                                            "INT",
                                                            "INTEGER",
                                                            "INTERSECT",
                                                            "INTERVAL",
                                                            "INTO",
                                                            "IS",
                                                            "ISOLATION",
                                                            "JOIN",
                                                            "KEY",
                                                            "LANGUAGE",
                                                            "LAST",
                                                            "LEADING",
                                                            "LEFT",
                                                            "LEVEL",
                                                            "LIKE",
                                                            "LIMIT",
                                                            "LOCAL",
                                                            "LOWER",
                                                            "MATCH",
                                                            "MAX",
                                                            "MIN",
                                                            "MISSING",
                                                            "MODULE",
                                                            "NAMES",
                                                            "NATIONAL",
                                                            "NATURAL",
                                                            "NCHAR",
                                                            "NEXT",
                                                            "NO",
                                                            "NOT",
                                                            "NULL",
                                                            "NULLIF",
                                                            "NUMERIC",
                                                            "OCTET_LENGTH",
                                                            "OF",
                                                            "ON",
                                                            "ONLY",
                                                            "OPEN",
                                                            "OPTION",
                                                            "OR",
                                                            "ORDER",
                                                            "OUTER",
                                                            "OUTPUT",
                                                            "OVERLAPS",
                                                            "PAD",
                                                            "PARTIAL",
                                                            "PIVOT",
                                                            "POSITION",
                                                            "PRECISION",
                                                            "PREPARE",
                                                            "PRESERVE",
                                                            "PRIMARY",
                                                            "PRIOR",
                                                            "PRIVILEGES",
                                                            "PROCEDURE",
                                                            "PUBLIC",
                                                            "READ",
                                                            "REAL",
                                                            "REFERENCES",
                                                            "RELATIVE",
                                                            "REMOVE",
                                                            "RESTRICT",
                                                            "RETURNING",
                                                            "REVOKE",
                                                            "RIGHT",
                                                            "ROLLBACK",
                                                            "ROWS",
                                                            "SCHEMA",
                                                            "SCROLL",
                                                            "SECTION",
                                                            "SELECT",
                                                            "SESSION",
                                                            "SESSION_USER",
                                                            "SET",
                                                            "SMALLINT",
                                                            "SOME",
                                                            "SPACE",
                                                            "SQL",
                                                            "SQLCODE",
                                                            "SQLERROR",
                                                            "SQLSTATE",
                                                            "SUBSTRING",
                                                            "SUM",
                                                            "SYSTEM_USER",
                                                            "TABLE",
                                                            "TEMPORARY",
                                                            "THEN",
                                                            "TIME",
                                                            "TIMESTAMP",
                                                            "TO",
                                                            "TRAILING",
                                                            "TRANSACTION",
                                                            "TRANSLATE",
                                                            "TRANSLATION",
                                                            "TRIM",
                                                            "TRUE",
                                                            "UNION",
                                                            "UNIQUE",
                                                            "UNKNOWN",
                                                            "UNPIVOT",
                                                            "UPDATE",
                                                            "UPPER",
                                                            "USAGE",
                                                            "USER",
                                                            "USING",
                                                            "VALUE",
                                                            "VALUES",
                                                            "VARCHAR",
                                                            "VARYING",
                                                            "VIEW",
                                                            "WHEN",
                                                            "WHENEVER",
                                                            "WHERE",
                                                            "WITH",
                                                            "WORK",
                                                            "WRITE",
                                                            "ZONE"});

// Longer ones first.
constexpr auto kSymbols = std::to_array<std::string_view>(
    {"<<", ">>", "<>", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",",
     ".",  ":",  ";",  "?",  "=",  "<",  ">", "+", "-", "*", "/", "%", "|"});

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '$'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// AWS reads a number as digits and a scale, which is a 32-bit integer.
bool has_readable_exponent(std::string_view number) {
  const std::size_t e = number.find_first_of("eE");
  std::int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view digits = number.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc() || exponent > INT32_MAX || exponent < INT32_MIN) return false;
  }
  const std::string_view mantissa = number.substr(0, e);
  const std::size_t point = mantissa.find('.');
  const std::size_t fraction = point == std::string_view::npos ? 0 : mantissa.size() - point - 1;
  const std::int64_t scale = static_cast<std::int64_t>(fraction) - exponent;
  return scale <= INT32_MAX && scale >= INT32_MIN;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::optional<std::vector<Token>> run() {
    while (true) {
      if (!skip_blanks()) return std::nullopt;
      begin_ = here_;
      if (done()) break;
      if (!next()) return std::nullopt;
    }
    add(Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  bool done() const { return at_ == text_.size(); }
  char current() const { return text_[at_]; }
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void advance() {
    const char c = text_[at_++];
    if (c == '\n') here_ = {here_.line + 1, 1, 0};
    else if (at_ == text_.size() || !is_continuation(text_[at_])) ++here_.column;
  }
  void advance(std::size_t bytes) {
    for (; bytes > 0; --bytes) advance();
  }

  // False: an open comment.
  bool skip_blanks() {
    while (!done()) {
      if (is_space(current())) {
        advance();
      } else if (starts("--")) {
        while (!done() && current() != '\n' && current() != '\r') advance();
      } else if (starts("/*")) {
        const std::size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return false;
        advance(end + 2 - at_);
      } else {
        break;
      }
    }
    return true;
  }

  void add(Kind kind, std::string text) {
    Token token{.kind = kind, .text = std::move(text), .at = begin_};
    if (here_.line == begin_.line) token.at.length = here_.column - begin_.column;
    tokens_.push_back(std::move(token));
  }

  bool next() {
    const char c = current();
    if (is_letter(c) || c == '_' || c == '$') {
      const std::size_t from = at_;
      while (!done() && is_word(current())) advance();
      add(Kind::kWord, std::string(text_.substr(from, at_ - from)));
      return true;
    }
    if (c == '\'') return quoted('\'', Kind::kString);
    if (c == '"') return quoted('"', Kind::kIdentifier);
    const bool after_point = c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
    if (is_digit(c) || after_point) return number();
    const auto* const symbol =
        std::ranges::find_if(kSymbols, [&](std::string_view one) { return starts(one); });
    if (symbol == kSymbols.end()) return false;
    advance(symbol->size());
    add(Kind::kSymbol, *symbol == "!=" ? "<>" : std::string(*symbol));
    return true;
  }

  bool quoted(char quote, Kind kind) {
    std::string content;
    advance();
    while (true) {
      if (done()) return false;
      const char c = current();
      advance();
      if (c != quote) {
        content += c;
        continue;
      }
      if (done() || current() != quote) break;
      content += quote;
      advance();
    }
    add(kind, std::move(content));
    return true;
  }

  bool number() {
    const std::size_t from = at_;
    const auto digits = [&] {
      while (!done() && is_digit(current())) advance();
    };
    digits();
    if (!done() && current() == '.') {
      advance();
      digits();
    }
    if (!done() && (current() == 'e' || current() == 'E')) {
      std::size_t first = at_ + 1;
      if (first < text_.size() && (text_[first] == '+' || text_[first] == '-')) ++first;
      if (first == text_.size() || !is_digit(text_[first])) return false;
      advance(first - at_);
      digits();
    }
    if (!done() && is_word(current())) return false;
    std::string text(text_.substr(from, at_ - from));
    if (!has_readable_exponent(text)) return false;
    add(Kind::kNumber, std::move(text));
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Position here_, begin_;
  std::vector<Token> tokens_;
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string Position::shown() const {
  return " at " + std::to_string(line) + ":" + std::to_string(column) + ":" +
         std::to_string(length);
}

std::optional<std::vector<Token>> tokenize(std::string_view statement) {
  return Lexer(statement).run();
}

bool is_keyword(const Token& token, std::string_view upper_case) {
  return token.kind == Kind::kWord &&
         std::ranges::equal(token.text, upper_case, {}, [](char c) { return upper(c); });
}

bool is_keyword(const Token& token) {
  if (token.kind != Kind::kWord) return false;
  std::string word = token.text;
  std::ranges::transform(word, word.begin(), upper);
  return std::ranges::binary_search(kKeywords, word);
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

}  // namespace tables::partiql
