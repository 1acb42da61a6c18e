#pragma once

// The words of an expression. Pure; never fails: what is no word becomes a token of kind kUnknown,
// which no grammar takes.

#include <cstddef>
#include <string_view>
#include <vector>

namespace tables::expression {

struct Token {
  enum class Kind {
    kEnd,
    kUnknown,
    kIdentifier,
    kName /* #a */,
    kValue /* :a */,
    kInteger,
    kOpen,
    kClose,
    kOpenBracket,
    kCloseBracket,
    kComma,
    kDot,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kPlus,
    kMinus,
  };
  Kind kind = Kind::kEnd;
  std::string_view text;  // into the expression; "<EOF>" at the end
  std::size_t begin = 0;  // offsets into the expression
  std::size_t end = 0;
};

// The last token is always kEnd.
std::vector<Token> tokenize(std::string_view expression);

// Compares with a keyword in upper case, as AWS does: without regard to case.
bool is_keyword(const Token& token, std::string_view upper);

}  // namespace tables::expression
