#pragma once

// What the families of operations share: which table is meant, permissions, capacity. Internal.

#include "services/dynamodb/dynamodb.h"
#include "services/dynamodb/figures.h"

namespace services::dynamodb {

namespace d = api::dynamodb;
using wire::Context;
template <class T>
using Answer = async::Task<api::Outcome<T>>;

void register_tables(wire::Registry& registry, const Deps& deps);
void register_items(Measured& registry, const Deps& deps);
void register_batches(Measured& registry, const Deps& deps);
void register_queries(Measured& registry, const Deps& deps);
void register_transactions(Measured& registry, const Deps& deps);
void register_statements(Measured& registry, const Deps& deps);
void register_statement_batches(Measured& registry, const Deps& deps);
void register_statement_transactions(Measured& registry, const Deps& deps);
void register_tags(wire::Registry& registry, const Deps& deps);
void register_account(wire::Registry& registry, const Deps& deps);
void register_destinations(wire::Registry& registry, const Deps& deps);
void register_policies(wire::Registry& registry, const Deps& deps);
void register_insights(wire::Registry& registry, const Deps& deps);
void register_global_tables(wire::Registry& registry, const Deps& deps);
// Those that need Deps::backups.
void register_backups(wire::Registry& registry, const Deps& deps);
void register_recovery(wire::Registry& registry, const Deps& deps);
void register_restores(wire::Registry& registry, const Deps& deps);
void register_exports(wire::Registry& registry, const Deps& deps);
void register_imports(wire::Registry& registry, const Deps& deps);

// A TableName parameter, a name or an ARN. For operations on items and CreateTable; those on tables
// that are there word a wrong name otherwise.
api::Outcome<tables::TableName> item_table(const Context& context,
                                           const std::optional<std::string>& name);
api::Outcome<tables::TableName> control_table(const Context& context,
                                              const std::optional<std::string>& name);
// The table that items are read from and written to; ResourceNotFoundException if it is not there
// or not ready.
api::Outcome<tables::TablePtr> find_table(const Deps& deps, const tables::TableName& name);

bool has_name_characters(std::string_view name);
bool has_name_length(std::string_view name);
// TableNotFoundException, as the operations on backups say it.
api::Error no_table_to_back_up(const std::string& name);

// --- permissions ---

std::string arn_of(const tables::TableName& name);
// A check on a backup, an export or an import.
auth::Check part_check(std::string action, const std::string& arn);
// A check on the table, or on one of its indexes, with the table's resource policy.
auth::Check table_check(const Deps& deps, std::string action, const tables::TableName& name,
                        const std::optional<std::string>& index = std::nullopt);
// Condition keys.
void add_leading_key(auth::Check& check, const Deps& deps, const tables::TableName& name,
                     const tables::Item& key);
void add_context(auth::Check& check, std::string key, const std::optional<std::string>& value);

// Collects the top-level attributes that a request touches, for dynamodb:Attributes.
class Attributes {
 public:
  void add(const tables::Item& item);
  void add(const std::vector<std::string>& names);
  template <class T>
  void add_names(const std::optional<std::map<std::string, T>>& map) {
    if (!map) return;
    for (const auto& [name, value] : *map) insert(name);
  }
  void add_expression(const std::optional<std::string>& expression,
                      const std::optional<std::map<std::string, std::string>>& names);
  void into(auth::Check& check) &&;

 private:
  void insert(const std::string& name);
  std::vector<std::string> names_;
  std::size_t latest_ = 0;  // that was named
};

// --- capacity ---

struct Units {
  double table = 0;
  std::map<std::string, double> indexes;
};
// nullopt unless TOTAL or INDEXES was asked for.
std::optional<d::ConsumedCapacity> consumed(const std::optional<std::string>& wanted,
                                            const tables::TableName& name,
                                            const tables::Definition& definition,
                                            const Units& units);

// --- descriptions ---

std::vector<d::KeySchemaElement> describe(const tables::KeySchema& schema);
d::Projection describe(const tables::Projection& projection);

d::TableDescription describe(const Deps& deps, const tables::Table& table,
                             const tables::Definition& definition, std::string_view status);

}  // namespace services::dynamodb
