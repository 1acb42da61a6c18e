#pragma once

// Reader: single items, queries and scans, over tables and their indexes. Reads need no lane: they
// see what is applied, and wait until what they may have seen is durable before they answer.
// Thread-safe; the store outlives it.

#include "async/task.h"
#include "tables/expression/ast.h"
#include "tables/expression/key_condition.h"
#include "tables/writer.h"

namespace tables {

// Of what an answer has looked at, as stored_size() counts.
inline constexpr std::size_t kPageBytesMax = 1U << 20U;
// Where a new on-demand table begins on AWS: a Scan pays for each partition that it looks into.
inline constexpr std::size_t kOnDemandPartitions = 4;

struct ReadOptions {
  std::optional<expression::Condition> filter;
  std::string_view filter_name = "Filter Expression";  // as errors call it
  std::optional<expression::Projection> projection;
  std::optional<std::size_t> limit;  // items looked at, at least 1
  std::size_t bytes_max = kPageBytesMax;
  std::optional<Item> start;  // ExclusiveStartKey
  bool forward = true;
  bool count_only = false;
  bool all_attributes = false;  // asked for in so many words
  // An index shows attributes that it does not project: from the table (local indexes only).
  bool whole_items = false;
  // Items that are shown as they are stay in their stored form: Page::stored instead of items.
  bool keep_stored = false;

  bool keeps_stored() const { return keep_stored && !projection && !whole_items && !count_only; }
};

struct Segment {
  std::size_t number = 0;
  std::size_t total = 1;
};

struct Page {
  std::vector<Item> items;          // empty for count_only
  std::vector<std::string> stored;  // see ReadOptions
  std::size_t count = 0;            // after the filter
  std::size_t scanned = 0;
  std::optional<Item> last;     // LastEvaluatedKey
  std::size_t bytes = 0;        // read, of the table or the index
  std::size_t table_bytes = 0;  // read from the table besides, for a local index
  std::size_t table_units = 0;  // of that, the read units of each item by itself, consistently
  // `bytes` by partition, of each that a scan of an on-demand table has looked into.
  std::vector<std::size_t> partitions;
};

// A stretch of the keys of a table or an index, as encode_key() and encode_index_key() write them:
// from the first one inclusive to the second one exclusive.
struct KeyRange {
  std::string from, to;
};
// Where the tests, which are a Query's, find their items.
KeyRange key_range(const KeySchema& schema, const expression::KeyTests& tests);

// Checks that need the table's definition, with AWS's texts in AWS's order. `index` nullptr: the
// table itself.
std::optional<api::Error> check_query(const Definition& definition, const Index* index,
                                      const expression::KeyTests& tests,
                                      const ReadOptions& options);
std::optional<api::Error> check_scan(const Definition& definition, const Index* index,
                                     const Segment& segment, const ReadOptions& options);

class ItemReader {
 public:
  explicit ItemReader(store::Store& store) : store_(store) {}

  // The key has been checked.
  async::Task<api::Outcome<std::optional<Item>>> get(TablePtr table, Item key);
  // The same in its stored form (stored_item.h). The key is not looked at any more afterwards.
  async::Task<api::Outcome<std::optional<std::string>>> get_stored(TablePtr table, const Item& key);
  // The request has been checked against this very definition.
  async::Task<api::Outcome<Page>> query(TablePtr table,
                                        std::shared_ptr<const Definition> definition,
                                        const Index* index, expression::KeyTests tests,
                                        ReadOptions options);
  async::Task<api::Outcome<Page>> scan(TablePtr table, std::shared_ptr<const Definition> definition,
                                       const Index* index, Segment segment, ReadOptions options);
  // What lies between two keys.
  async::Task<api::Outcome<Page>> range(TablePtr table,
                                        std::shared_ptr<const Definition> definition,
                                        const Index* index, KeyRange keys, ReadOptions options);

 private:
  async::Task<api::Outcome<std::optional<std::string>>> stored_at(TablePtr table,
                                                                  std::string item_key,
                                                                  std::uint16_t hash);
  async::Task<api::Outcome<Page>> read(TablePtr table, std::shared_ptr<const Definition> definition,
                                       const Index* index, KeyRange range, ReadOptions options,
                                       bool by_partition);
  // What the page makes of one entry.
  struct Seen {
    std::size_t bytes = 0;     // item_size()
    std::size_t stored = 0;    // stored_size()
    std::optional<Item> item;  // where values are looked at
  };
  static base::Result<Seen> look_at(const Definition& definition, std::string_view entry,
                                    bool decode);
  async::Task<base::Result<std::optional<Item>>> whole_item(const Definition& definition,
                                                            const Item& entry);

  store::Store& store_;
};

// Read capacity of so many bytes, and of a page of a table or index. Finding nothing costs the
// least unit.
double read_units(std::size_t bytes, bool consistent);
double read_units(const Page& page, bool consistent);

}  // namespace tables
