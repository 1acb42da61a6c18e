#pragma once

// Definition: what a table is, without its items. A value; published as an immutable snapshot by
// the Catalogue and persisted whole with each change (docs/formats/tables.md).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong.h"
#include "tables/capture.h"
#include "tables/key.h"
#include "tables/recovery.h"
#include "tables/settings.h"

namespace tables {

// Names a table's bytes in the store; never used twice.
using TableId = base::Strong<struct TableIdTag, std::uint32_t>;
// Names an index of a table; never used twice within the table. 0 stands for the table itself.
using IndexId = base::Strong<struct IndexIdTag, std::uint16_t>;

inline constexpr std::size_t kLocalIndexesMax = 5;
inline constexpr std::size_t kGlobalIndexesMax = 20;

struct Throughput {
  std::int64_t read = 0;
  std::int64_t write = 0;
  std::int64_t decreases_today = 0;
  std::optional<base::Timestamp> last_increase;
  std::optional<base::Timestamp> last_decrease;
};

struct Projection {
  enum class Kind : std::uint8_t { kAll = 0, kKeysOnly = 1, kInclude = 2 };
  Kind kind = Kind::kAll;
  std::vector<std::string> attributes;  // kInclude: besides the keys
};

struct Index {
  enum class State : std::uint8_t { kActive = 0, kCreating = 1 };
  std::string name;
  IndexId id;
  bool global = false;
  KeySchema keys;
  Projection projection;
  Throughput throughput;  // global ones
  State state = State::kActive;
  Maxima maxima;
  Warm warm;
  Insights insights;

  // The attribute is there in every entry of the index.
  bool projects(const KeySchema& table_keys, std::string_view attribute) const;
};

struct TimeToLive {
  bool enabled = false;
  bool filled = false;  // items from before it was enabled are known
  std::string attribute;
};

struct Definition {
  std::string account, region, name;
  std::string uuid;
  TableId id;
  KeySchema keys;
  std::vector<KeyAttribute> attributes;  // AttributeDefinitions, in the order given
  std::vector<Index> indexes;
  IndexId next_index{1};
  bool on_demand = false;
  std::optional<base::Timestamp> on_demand_since;
  Throughput throughput;
  base::Timestamp created{};
  std::string table_class;  // empty: never named
  bool deletion_protection = false;
  TimeToLive time_to_live;
  std::optional<Capture> stream;  // the latest one, perhaps no longer enabled
  std::optional<Capture> feed;    // what goes to the destinations; enabled while there are any
  std::vector<Destination> destinations;
  std::uint16_t next_capture = 1;
  std::optional<base::Timestamp> last_capture;  // when the newest was made
  PointInTime point_in_time;
  std::optional<Capture> history;     // what point-in-time recovery and pictures rest on
  std::vector<std::string> pictures;  // the jobs that are taking one
  std::optional<Origin> origin;
  std::map<std::string, std::string> tags;
  ResourcePolicy policy;
  ResourcePolicy stream_policy;  // of the latest stream
  Maxima maxima;
  Warm warm;
  Encryption encryption;
  Insights insights;

  // Being restored or imported.
  bool is_filling() const { return origin && origin->filling; }
  // History is kept while somebody needs it. After a change of either; make_captures() follows.
  void settle_history();
  std::string arn() const;
  std::string index_arn(const Index& index) const;
  const Index* find_index(std::string_view index_name) const;
};

std::string table_arn(std::string_view account, std::string_view region, std::string_view name);

std::string encode_definition(const Definition& definition);
base::Result<Definition> decode_definition(std::string_view bytes);

// The item as the index keeps it; nullopt: the item is not in the index (an index key is missing).
std::optional<Item> index_entry(const Definition& definition, const Index& index, const Item& item);
// What puts the entry in its place within the index: index keys, then table keys.
std::string encode_index_key(const Definition& definition, const Index& index, const Item& entry);

// Items whose attributes cannot be index keys: wrong type, empty or too long.
std::optional<api::Error> check_index_keys(const Definition& definition, const Item& item);

}  // namespace tables
