#pragma once

// Statement: what a PartiQL statement asks for, in the terms that other requests ask in: the same
// conditions, updates and items, so that there is one evaluator. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/expression/ast.h"
#include "tables/partiql/syntax.h"
#include "tables/value.h"

namespace tables::partiql {

// What a SELECT shows: the value at a path, under the path's last name.
struct Column {
  std::string name;
  expression::Path path;
};

enum class Returning : std::uint8_t { kNone, kAllOld, kModifiedOld, kAllNew, kModifiedNew };

struct Statement {
  using Kind = StatementSyntax::Kind;
  Kind kind = Kind::kSelect;
  std::string table;  // a name or an ARN, as it was written
  std::optional<std::string> index;
  std::vector<Column> columns;  // of a SELECT; empty: all
  std::optional<expression::Condition> where;
  std::vector<OrderTerm> order;
  Item item;                  // INSERT
  expression::Update update;  // UPDATE
  Returning returning = Returning::kNone;

  bool reads() const { return kind == Kind::kSelect; }
};

// Reads a statement and puts the parameters, which are normalised, in their places. Makes every
// check that AWS makes before it looks for the table.
Parsed<Statement> compile(std::string_view text, const std::vector<Value>& parameters);

// The item as the SELECT shows it.
Item show(const std::vector<Column>& columns, Item item);

}  // namespace tables::partiql
