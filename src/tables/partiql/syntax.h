#pragma once

// Syntax: a PartiQL statement as it was written, and its parser. Pure; bounded in depth and size
// whatever the text.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/partiql/lexer.h"

namespace tables::partiql {

inline constexpr int kDepthMax = 150;
inline constexpr int kOperatorsMax = 300;

// The error is AWS's whole text.
template <class T>
using Parsed = std::expected<T, std::string>;

struct TermStep {
  std::string text;  // a name, or the digits of an index with its sign
  bool is_index = false;
};

struct Term {
  enum class Kind : std::uint8_t {
    kString,   // text
    kNumber,   // text, with its sign
    kBoolean,  // text: "true" or "false"
    kNull,
    kMissing,
    kParameter,  // number, from 0
    kList,       // children
    kStruct,     // children: key, value, key, value ...
    kBag,        // children
    kPath,       // steps
    kCall,       // text is the function in lower case, children its arguments
    kAnd,        // two children or more
    kOr,
    kNot,
    kCompare,  // text is the operator, two children
    kIn,       // the operand, then the list
    kBetween,  // three children
    kIs,       // text is the type in upper case, one child
    kPlus,
    kMinus,  // two children, or one behind a sign
  };
  Kind kind = Kind::kNull;
  Position at;
  std::string text;
  std::vector<TermStep> steps;
  std::vector<Term> children;
  std::size_t number = 0;
  bool parenthesised = false;
};

// "table", "table"."index"
struct Source {
  std::vector<std::string> components;
};

struct Assignment {
  Term target;
  std::optional<Term> value;  // nullopt: REMOVE
};

struct OrderTerm {
  std::string attribute;
  bool descending = false;
};

struct StatementSyntax {
  enum class Kind : std::uint8_t { kSelect, kInsert, kUpdate, kDelete, kExists };
  Kind kind = Kind::kSelect;
  Source source;
  bool all_columns = false;   // SELECT *
  std::vector<Term> columns;  // SELECT a, b
  std::optional<Term> where;
  std::vector<OrderTerm> order;
  std::optional<Term> item;         // INSERT
  std::vector<Assignment> changes;  // UPDATE
  std::string returning;            // "ALL OLD", "MODIFIED NEW" ...; empty: none
  std::size_t parameters = 0;       // how many "?" there are
};

Parsed<StatementSyntax> parse(std::string_view statement);

}  // namespace tables::partiql
