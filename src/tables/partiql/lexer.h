#pragma once

// The words of a PartiQL statement. Pure. Blanks, "-- ..." and "/* ... */" separate words and are
// none.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tables::partiql {

// Where a word stands, as AWS shows it: "line:column:length", counted in characters, from 1.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::uint32_t length = 0;

  // " at 1:8:3"
  std::string shown() const;
};

struct Token {
  enum class Kind : std::uint8_t {
    kEnd,
    kWord,        // as it was written; may be a keyword
    kIdentifier,  // "in double quotes"; text is what is between them
    kString,      // 'in single quotes'; text is what is between them, '' read as '
    kNumber,
    kSymbol,  // ( ) [ ] { } << >> , . : ; ? = <> < <= > >= + - and what no grammar takes
  };
  Kind kind = Kind::kEnd;
  std::string text;
  Position at;

  bool is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
};

// The last token is always kEnd. nullopt: an open quote or comment, a character of no word, or a
// number whose exponent cannot be read.
std::optional<std::vector<Token>> tokenize(std::string_view statement);

// A word that PartiQL reserves: no attribute or table is called so without quotes.
bool is_keyword(const Token& token);
// Compares a word with a keyword in upper case, whatever its case.
bool is_keyword(const Token& token, std::string_view upper);

std::string lower(std::string_view text);

}  // namespace tables::partiql
