#include "tables/partiql/statement.h"

#include <algorithm>

#include "tables/expression/evaluate.h"
#include "tables/partiql/compile.h"

namespace tables::partiql {

namespace {

using Kind = StatementSyntax::Kind;

constexpr std::size_t kComponentsMax = 2;

std::optional<std::string> wrong_source(const StatementSyntax& syntax) {
  const auto& components = syntax.source.components;
  if (std::ranges::any_of(components, [](const std::string& one) { return one.empty(); }))
    return "Path component cannot be an empty string";
  if (components.size() > kComponentsMax)
    return "A path may contain at most 2 components in the FROM clause";
  if (components.size() == 1) return std::nullopt;
  if (syntax.kind == Kind::kInsert)
    return "FROM clause may only contain a single table name in data manipulation statements";
  if (syntax.kind == Kind::kUpdate || syntax.kind == Kind::kDelete)
    return "This operation is not supported on an index";
  if (syntax.kind == Kind::kExists)
    return "Operations on indices are not supported in transactions";
  return std::nullopt;
}

Returning returning_of(std::string_view text) {
  if (text == "ALL OLD") return Returning::kAllOld;
  if (text == "ALL NEW") return Returning::kAllNew;
  if (text == "MODIFIED OLD") return Returning::kModifiedOld;
  return text == "MODIFIED NEW" ? Returning::kModifiedNew : Returning::kNone;
}

// "k[0]" for m.k[0].
std::string column_name(const Term& path) {
  std::size_t from = path.steps.size() - 1;
  while (path.steps[from].is_index) --from;
  std::string name = path.steps[from].text;
  for (std::size_t i = from + 1; i < path.steps.size(); ++i) name += "[" + path.steps[i].text + "]";
  return name;
}

bool read_columns(const StatementSyntax& syntax, Translator& translator, Statement& into) {
  for (const Term& term : syntax.columns) {
    if (term.kind != Term::Kind::kPath) {
      translator.fail("Unexpected path component" + term.at.shown());
      return false;
    }
    Column column{column_name(term), Translator::path(term)};
    if (std::ranges::any_of(into.columns,
                            [&](const Column& one) { return one.name == column.name; })) {
      translator.fail("Duplicate identifiers in select clause: " + column.name);
      return false;
    }
    into.columns.push_back(std::move(column));
  }
  return true;
}

bool translate(StatementSyntax& syntax, Translator& translator, Statement& into) {
  if (auto wrong = wrong_source(syntax)) return translator.fail(*std::move(wrong)), false;
  into.kind = syntax.kind;
  auto& components = syntax.source.components;
  into.table = std::move(components[0]);
  if (components.size() > 1) into.index = std::move(components[1]);
  into.order = std::move(syntax.order);
  into.returning = returning_of(syntax.returning);
  if (syntax.kind == Kind::kDelete && into.returning != Returning::kNone &&
      into.returning != Returning::kAllOld) {
    translator.fail("Invalid returning clause: RETURNING " + syntax.returning +
                    " *. Only RETURNING ALL OLD * is allowed in DELETE statements.");
    return false;
  }
  if (!read_columns(syntax, translator, into)) return false;
  if (syntax.item) {
    auto item = translator.item(*syntax.item);
    if (!item) return false;
    into.item = *std::move(item);
  }
  if (!syntax.changes.empty()) {
    auto update = translator.update(syntax.changes);
    if (!update) return false;
    into.update = *std::move(update);
  }
  if (!syntax.where) return true;
  into.where = translator.condition(*syntax.where);
  return into.where.has_value();
}

}  // namespace

Parsed<Statement> compile(std::string_view text, const std::vector<Value>& parameters) {
  auto syntax = parse(text);
  if (!syntax) return std::unexpected(std::move(syntax).error());
  if (syntax->parameters > parameters.size())
    return std::unexpected("Number of parameters in request and statement don't match.");
  Translator translator(parameters);
  Statement made;
  if (!translate(*syntax, translator, made)) return std::unexpected(translator.take_error());
  return made;
}

Item show(const std::vector<Column>& columns, Item item) {
  if (columns.empty()) return item;
  Item shown;
  for (const Column& column : columns) {
    if (const Value* const found = expression::find(item, column.path))
      shown.emplace(column.name, *found);
  }
  return shown;
}

}  // namespace tables::partiql
