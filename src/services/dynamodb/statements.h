#pragma once

// PartiQL: what ExecuteStatement, BatchExecuteStatement and ExecuteTransaction share. A statement
// goes through compile(), bind() and then as a read or as a write through what Query, GetItem and
// the writing operations go through too. Internal.

#include "services/dynamodb/requests.h"
#include "tables/partiql/plan.h"

namespace services::dynamodb {

namespace partiql = tables::partiql;

inline constexpr std::size_t kReadsOfPageMax = 10;  // stretches of keys that a page looks into

using Parameters = std::optional<std::vector<tables::Value>>;

// Checks the parameters, which comes before anything else, and writes their numbers AWS's way.
std::optional<api::Error> check_parameters(Parameters& parameters);
api::Outcome<partiql::Statement> compile_statement(const std::string& text,
                                                   const Parameters& parameters);

// A statement together with the table that it is about.
struct Bound {
  partiql::Statement statement;
  tables::TableName name;
  tables::TablePtr table;
  tables::DefinitionPtr definition;
  const tables::Index* index = nullptr;  // of `definition`
};
// ResourceNotFoundException if the table is not there. An index that is not there is nullptr, which
// plan_statement() refuses.
api::Outcome<Bound> bind(const Deps& deps, const Context& context, partiql::Statement statement);

// What a SELECT reads, after the checks of what it asks of which index.
std::expected<partiql::ReadPlan, partiql::Refused> plan_statement(const Bound& bound,
                                                                  bool consistent);

// The write that an INSERT, UPDATE, DELETE or EXISTS is.
struct NoItem {
  enum class Why : std::uint8_t { kNotNamed, kTwoValues };
  Why why = Why::kNotNamed;
  std::string attribute;  // kTwoValues
};
std::expected<tables::Write, NoItem> write_of(const Bound& bound);

// The error of a write as PartiQL words it.
api::Error reworded(const partiql::Statement& statement, api::Error error);
inline constexpr const char* kDuplicateItem = "Duplicate primary key exists in table";

// What came of a statement.
struct Outcome {
  std::vector<tables::Item> items;
  Units units;
  std::optional<tables::Item> last;       // where reading ended, of a table or an index
  std::optional<std::string> next_token;  // there is more
};

// `read` is a SELECT with its plan, `token` from an earlier page.
struct Reading {
  Bound bound;
  partiql::ReadPlan plan;
  bool consistent = false;
  std::optional<std::size_t> limit;
  std::string fingerprint;  // of the request, for tokens
  std::optional<std::string> token;
};
Answer<Outcome> read_statement(const Deps& deps, Reading reading);
Answer<Outcome> write_statement(const Deps& deps, Bound bound, bool old_item_on_failure);

// What the caller must be allowed. `enclosing`: the operation, where it is a transaction.
auth::Check statement_check(const Deps& deps, const partiql::Statement& statement,
                            const tables::TableName& name, const char* enclosing = nullptr);

}  // namespace services::dynamodb
