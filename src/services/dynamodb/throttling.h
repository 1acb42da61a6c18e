#pragma once

// AWS's limits of throughput, as operations meet them: who may not go on is told AWS's error, and
// CloudWatch of the event. Nothing happens unless limits are enforced. Thread-safe. Internal.

#include "services/dynamodb/common.h"
#include "tables/throttle.h"

namespace services::dynamodb {

// The table that is drawn on, as one operation knows it.
struct Drawn {
  const Deps& deps;
  const tables::Table& table;
  const tables::Definition& definition;
};

// The same with an item's key, which outlives the request's: from before it is done until it is
// charged.
struct Drawing {
  Drawing(tables::TablePtr of, const tables::Item& item)
      : table(std::move(of)),
        definition(table->definition()),
        key(tables::key_of(definition->keys, item)) {}

  Drawn drawn(const Deps& deps) const { return {deps, *table, *definition}; }

  tables::TablePtr table;
  std::shared_ptr<const tables::Definition> definition;
  tables::Item key;
};

// ProvisionedThroughputExceededException or ThrottlingException. `key` has the hash key of the
// table or index; nullptr: of all of it.
std::optional<api::Error> refuse_read(const Drawn& drawn, const tables::Index* index,
                                      const tables::Item* key);
// A write draws on the table and on its global indexes.
std::optional<api::Error> refuse_write(const Drawn& drawn, const tables::Item& key);

void charge_read(const Drawn& drawn, const tables::Index* index, const tables::Item* key,
                 double units);
void charge_write(const Drawn& drawn, const tables::Item& key, const tables::Written& written,
                  double factor = 1);

// TransactionCanceledException with a reason for each item; nullopt: none was refused.
std::optional<api::Error> cancelled_by(const std::vector<std::optional<api::Error>>& refusals);

}  // namespace services::dynamodb
