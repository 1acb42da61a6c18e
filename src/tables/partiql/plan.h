#pragma once

// What a WHERE clause says of the keys: which stretches of a table or an index a SELECT reads, and
// which item a write is about. Pure.

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "tables/definition.h"
#include "tables/partiql/statement.h"
#include "tables/reader.h"

namespace tables::partiql {

inline constexpr std::size_t kReadsMax = 50;  // stretches of one SELECT

struct Stretch {
  KeyRange keys;
  Value hash;
  std::optional<Item> key = {};  // it can hold one item of the table only: this one
};

struct ReadPlan {
  // Every item that the condition can hold for is in a partition that it names. Otherwise
  // everything is looked at, and there are no stretches.
  bool keyed = false;
  std::vector<Stretch> stretches;  // none overlaps another; in the order to read them
  bool only_keys = true;           // the stretches say all that the condition says
  bool forward = true;
  // Attributes of the condition that the index does not have, where AWS refuses for them.
  std::vector<std::string> absent;
};

struct Refused {
  std::string text;             // AWS's
  bool wrong_key_type = false;  // a key is compared with a value of another type
};

// `statement` is a SELECT. `index` nullptr: the table itself.
std::expected<ReadPlan, Refused> plan_read(const Definition& definition, const Index* index,
                                           const Statement& statement);

// The item that a write, or EXISTS, names, and what its WHERE clause asks besides.
struct OneItem {
  Item key;                                        // not yet compared with the schema's types
  std::optional<expression::Condition> condition;  // nullopt: nothing
  std::optional<std::string> conflict;             // a key attribute with two values
};
// nullopt: some key attribute is not named by an equality.
std::optional<OneItem> item_of(const Definition& definition, const Statement& statement);

}  // namespace tables::partiql
