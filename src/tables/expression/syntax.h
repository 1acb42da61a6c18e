#pragma once

// Syntax: an expression as it was written, placeholders unresolved; and its parser. Pure.
// Texts are views into the expression, which must outlive the tree.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tables::expression {

inline constexpr std::size_t kExpressionBytesMax = 4096;
inline constexpr int kOperatorsMax = 300;

// One step of a document path: a name ("a", "#a") or an index ("[1]").
struct SyntaxStep {
  std::string_view text;  // the digits of an index
  bool is_index = false;
};

struct Syntax {
  enum class Kind {
    kPath,     // steps
    kValue,    // text ":v"
    kCall,     // text is the function, children its arguments
    kCompare,  // text is the operator, two children
    kBetween,  // three children
    kIn,       // the operand, then the list
    kAnd,
    kOr,
    kNot,
    kPlus,
    kMinus,
  };
  Kind kind = Kind::kPath;
  std::string_view text;
  std::vector<SyntaxStep> steps;
  std::vector<Syntax> children;
  bool parenthesised = false;

  bool is_operand() const {
    return kind == Kind::kPath || kind == Kind::kValue || kind == Kind::kCall;
  }
};

struct SyntaxAction {
  enum class Kind { kSet, kRemove, kAdd, kDelete };
  Kind kind;
  Syntax path;
  Syntax value;  // kSet, kAdd, kDelete
};

struct ConditionSyntax {
  Syntax root;
  bool redundant_parentheses = false;
  int operators = 0;
};
struct UpdateSyntax {
  std::vector<SyntaxAction> actions;         // in the order they were written
  std::vector<SyntaxAction::Kind> repeated;  // sections that appear more than once
  int operators = 0;
};
struct ProjectionSyntax {
  std::vector<Syntax> paths;
};

// Errors are AWS's texts without the "Invalid ...Expression: " in front.
template <class T>
using Parsed = std::expected<T, std::string>;

Parsed<ConditionSyntax> parse_condition(std::string_view expression);
Parsed<UpdateSyntax> parse_update(std::string_view expression);
Parsed<ProjectionSyntax> parse_projection(std::string_view expression);

}  // namespace tables::expression
