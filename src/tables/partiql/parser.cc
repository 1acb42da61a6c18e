#include <algorithm>
#include <array>

#include "tables/partiql/syntax.h"
#include "tables/partiql/term_parser.h"

namespace tables::partiql {

namespace {

class StatementParser : public TermParser {
 public:
  using TermParser::TermParser;

  std::optional<StatementSyntax> parse() {
    auto made = statement();
    if (!made) return std::nullopt;
    if (skip(";") && !at_end()) return malformed(kLeftover);
    if (!at_end()) return malformed(kLeftover);
    made->parameters = parameters();
    return made;
  }

 private:
  using Kind = StatementSyntax::Kind;
  using Result = std::optional<StatementSyntax>;

  Result statement() {
    if (skip_keyword("SELECT")) return select();
    if (skip_keyword("INSERT")) return insert();
    if (skip_keyword("UPDATE")) return update();
    if (skip_keyword("DELETE")) return remove();
    if (skip_keyword("FROM")) return from_first();
    if (at_keyword("EXISTS") && next().is("(")) return exists();
    return malformed("Expected data manipulation");
  }

  // EXISTS(SELECT ...)
  Result exists() {
    advance();
    advance();
    if (!skip_keyword("SELECT")) return malformed("Unexpected term");
    auto made = select();
    if (!made) return std::nullopt;
    if (!skip(")")) return malformed("Expected right paren");
    made->kind = Kind::kExists;
    return made;
  }

  Result select() {
    StatementSyntax made{.kind = Kind::kSelect};
    if (at_keyword("DISTINCT") || at_keyword("ALL") || at_keyword("VALUE"))
      return fail("Unsupported clause: " + upper(token().text) + token().at.shown());
    if (!columns(made)) return std::nullopt;
    if (!skip_keyword("FROM")) return unexpected();
    if (at_end() || token().is(";")) return malformed("Unexpected term");
    if (!source(made.source, "Unexpected term")) return std::nullopt;
    if (at(",") || at_join()) return fail("Only select from a single table or index is supported.");
    if (!no_alias()) return std::nullopt;
    if (!where(made)) return std::nullopt;
    if (!order(made)) return std::nullopt;
    for (const std::string_view clause : {"LIMIT", "GROUP", "HAVING"}) {
      // AWS shows where the clause's argument stands.
      if (at_keyword(clause))
        return fail("Unsupported clause: " + std::string(clause) + next().at.shown());
    }
    return made;
  }

  bool columns(StatementSyntax& made) {
    bool named = false;
    do {
      if (skip("*")) {
        made.all_columns = true;
        continue;
      }
      auto column = term();
      if (!column) return false;
      if (at_keyword("AS") || at_name()) return fail(kAliasing), false;
      named = true;
      made.columns.push_back(*std::move(column));
    } while (skip(","));
    if (!made.all_columns || !named) return true;
    fail("Other attributes should not be present in the projection when '*' is used.");
    return false;
  }

  bool at_join() const {
    constexpr auto kJoins = std::to_array<std::string_view>(
        {"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "OUTER", "NATURAL"});
    return std::ranges::any_of(kJoins, [&](std::string_view one) { return at_keyword(one); });
  }

  // A table, perhaps with an index.
  bool source(Source& into, std::string_view absent) {
    do {
      if (!at_name()) {
        if (is_keyword(token()) && absent == "Unexpected term") unexpected();
        else malformed(absent);
        return false;
      }
      into.components.push_back(token().text);
      advance();
    } while (skip("."));
    return true;
  }

  bool no_alias() {
    if (!at_keyword("AS") && !at_keyword("AT") && !at_name()) return true;
    fail(kAliasing);
    return false;
  }

  bool where(StatementSyntax& made) {
    if (!skip_keyword("WHERE")) return true;
    made.where = term();
    return made.where.has_value();
  }

  bool order(StatementSyntax& made) {
    if (!skip_keyword("ORDER")) return true;
    if (!skip_keyword("BY")) return unexpected(), false;
    do {
      auto key = term();
      if (!key) return false;
      if (key->kind != Term::Kind::kPath || key->steps.size() != 1) {
        fail("Argument to ORDER BY must be an attribute" + key->at.shown());
        return false;
      }
      const bool descending = at_keyword("DESC");
      if (descending || at_keyword("ASC")) advance();
      made.order.push_back({std::move(key->steps[0].text), descending});
    } while (skip(","));
    return true;
  }

  Result insert() {
    StatementSyntax made{.kind = Kind::kInsert};
    if (!skip_keyword("INTO")) return unexpected();
    if (!source(made.source, kNoPath)) return std::nullopt;
    const bool value = skip_keyword("VALUE");
    made.item = term();
    if (!made.item) return std::nullopt;
    if (at_keyword("RETURNING")) return fail("RETURNING is not supported in INSERT");
    // "INSERT INTO table something": whatever else it is, VALUE would be left over.
    if (!value && at_end()) return malformed("Expected VALUE");
    if (!value) return malformed(kLeftover);
    return made;
  }

  Result update() {
    StatementSyntax made{.kind = Kind::kUpdate};
    if (!source(made.source, kNoPath)) return std::nullopt;
    if (!no_alias()) return std::nullopt;
    if (!changes(made) || !where(made) || !returning(made)) return std::nullopt;
    return made;
  }

  // FROM table WHERE ... SET ...
  Result from_first() {
    StatementSyntax made{.kind = Kind::kUpdate};
    if (!source(made.source, "Unexpected term")) return std::nullopt;
    if (!no_alias() || !where(made)) return std::nullopt;
    if (!changes(made) || !returning(made)) return std::nullopt;
    return made;
  }

  // SET a = 1, b = 2 REMOVE c SET ...
  bool changes(StatementSyntax& made) {
    if (!at_keyword("SET") && !at_keyword("REMOVE"))
      return malformed("Expected data manipulation"), false;
    while (at_keyword("SET") || at_keyword("REMOVE")) {
      const bool sets = at_keyword("SET");
      advance();
      do {
        if (!change(made, sets)) return false;
      } while (skip(","));
    }
    return true;
  }

  bool change(StatementSyntax& made, bool sets) {
    if (!at_name()) {
      malformed(sets && !is_keyword(token()) ? "Expected assignment for SET" : kNoPath);
      return false;
    }
    auto target = path();
    if (!target) return false;
    Assignment one{.target = *std::move(target), .value = {}};
    if (sets) {
      if (!skip("=")) return malformed("Expected '=' after the path of an assignment"), false;
      one.value = term();
      if (!one.value) return false;
    }
    made.changes.push_back(std::move(one));
    return true;
  }

  Result remove() {
    StatementSyntax made{.kind = Kind::kDelete};
    if (!skip_keyword("FROM")) return unexpected();
    if (!source(made.source, kNoPath)) return std::nullopt;
    if (!no_alias() || !where(made) || !returning(made)) return std::nullopt;
    return made;
  }

  bool returning(StatementSyntax& made) {
    if (!skip_keyword("RETURNING")) return true;
    const bool all = word("ALL");
    if (!all && !word("MODIFIED")) return malformed("Expected ALL or MODIFIED"), false;
    const bool old = word("OLD");
    if (!old && !word("NEW")) return malformed("Expected OLD or NEW"), false;
    if (!skip("*")) return malformed("Expected '*' in RETURNING"), false;
    made.returning = std::string(all ? "ALL " : "MODIFIED ") + (old ? "OLD" : "NEW");
    return true;
  }

  bool word(std::string_view upper_case) { return skip_keyword(upper_case); }

  static std::string upper(std::string text) {
    for (char& c : text) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
  }

  static constexpr std::string_view kLeftover = "Unexpected token after expression";
  static constexpr std::string_view kNoPath = "Expected identifier for simple path";
  static constexpr std::string_view kAliasing = "Aliasing is not supported";
};

}  // namespace

Parsed<StatementSyntax> parse(std::string_view statement) {
  auto tokens = tokenize(statement);
  if (!tokens) return std::unexpected(std::string(kMalformed));
  StatementParser parser(*std::move(tokens));
  auto made = parser.parse();
  if (!made) return std::unexpected(parser.take_error());
  return *std::move(made);
}

}  // namespace tables::partiql
