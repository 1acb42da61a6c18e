#pragma once

// Expressions ready to be evaluated: placeholders resolved, everything that AWS checks without an
// item checked. Plain values. Both the expression parameters and the older ones (Expected,
// AttributeUpdates, KeyConditions ...) become these.

#include <cstdint>
#include <string>
#include <vector>

#include "tables/value.h"

namespace tables::expression {

// A step of a document path: an attribute's name, or an index into a list.
struct Step {
  std::string name;
  std::uint32_t index = 0;
  bool is_index = false;
  bool operator==(const Step&) const = default;
};
// At least one step, the first one a name.
using Path = std::vector<Step>;

Path path_of(std::string attribute);
// "[a, [1], b]"
std::string to_string(const Path& path);

struct Operand {
  enum class Kind {
    kPath,
    kValue,
    kSize,  // one argument
    kIfNotExists,
    kListAppend,  // two arguments; update expressions only
    kPlus,
    kMinus,  // two arguments; update expressions only
  };
  Kind kind = Kind::kPath;
  Path path;
  Value value;
  std::vector<Operand> arguments;

  static Operand of(Path path) { return {.kind = Kind::kPath, .path = std::move(path)}; }
  static Operand of(Value value) { return {.kind = Kind::kValue, .value = std::move(value)}; }
};

enum class Comparator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Condition {
  enum class Kind {
    kAnd,
    kOr,
    kNot,      // children
    kCompare,  // two operands
    kBetween,  // three operands
    kIn,       // the operand, then the list
    kExists,
    kNotExists,
    kTypeIs,  // operand, a string value
    kBeginsWith,
    kContains,
  };
  Kind kind = Kind::kAnd;
  Comparator comparator = Comparator::kEqual;
  std::vector<Operand> operands;
  std::vector<Condition> children;
};

struct Action {
  enum class Kind { kSet, kRemove, kAdd, kDelete };
  Kind kind = Kind::kSet;
  Path path;
  Operand value;  // kSet: any; kAdd, kDelete: a kValue
};

struct Update {
  std::vector<Action> actions;
  // AttributeUpdates differ a little from UpdateExpression: error texts, ADD on lists.
  bool legacy = false;
};

using Projection = std::vector<Path>;

// Every path in the expression, in order.
void collect_paths(const Condition& condition, std::vector<const Path*>& into);
void collect_paths(const Operand& operand, std::vector<const Path*>& into);

}  // namespace tables::expression
