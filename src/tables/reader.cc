#include "tables/reader.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/encoding.h"
#include "base/log.h"
#include "tables/expression/evaluate.h"
#include "tables/item.h"
#include "tables/stored_item.h"

namespace tables {

namespace {

using expression::KeyTest;
using expression::KeyTests;
using expression::Operator;

constexpr double kReadUnitBytes = 4096;
constexpr std::size_t kStorePage = 500;
constexpr const char* kInvalidStart = "The provided starting key is invalid";

api::Error internal(const base::Error& error) {
  base::log_error("tables: {}", error.to_string());
  return api::internal_failure();
}

const KeySchema& schema_of(const Definition& definition, const Index* index) {
  return index != nullptr ? index->keys : definition.keys;
}

std::string prefix_of(const Definition& definition, const Index* index) {
  return index != nullptr ? keys::entries(definition.id, index->id) : keys::items(definition.id);
}

// The attributes of a LastEvaluatedKey.
Item place_of(const Definition& definition, const Index* index, const Item& item) {
  Item place = key_of(definition.keys, item);
  if (index != nullptr) place.merge(key_of(index->keys, item));
  return place;
}

std::size_t place_size(const Definition& definition, const Index* index) {
  std::size_t size = definition.keys.size();
  if (index == nullptr) return size;
  index->keys.each([&](const KeyAttribute& key, bool) {
    if (!definition.keys.has(key.name)) ++size;
    return false;
  });
  return size;
}

std::string place_key(const Definition& definition, const Index* index, const Item& place) {
  if (index == nullptr) return keys::item(definition, place);
  return keys::entries(definition.id, index->id) + encode_index_key(definition, *index, place);
}

std::optional<api::Error> check_start_attribute(const Item& start, const KeyAttribute& attribute) {
  const auto found = start.find(attribute.name);
  if (found == start.end()) return validation(kInvalidStart);
  if (found->second.member() != attribute.type)
    return validation("The provided key element does not match the schema");
  return std::nullopt;
}

std::optional<api::Error> check_test(const KeySchema& schema, const KeyTests& tests,
                                     const KeyAttribute& attribute, bool is_hash) {
  if (is_hash && schema.size() == 1 && tests.size() > 1)
    return validation("Query key condition not supported");
  const auto found = tests.find(attribute.name);
  if (found == tests.end()) {
    if (schema.is_composite()) return std::nullopt;  // check_composite() has looked
    if (is_hash || tests.size() > 1)
      return validation("Query condition missed key schema element: " + attribute.name);
    return std::nullopt;
  }
  const KeyTest& test = found->second;
  switch (test.op) {
    case Operator::kNull:
    case Operator::kNotNull:
    case Operator::kNe:
    case Operator::kContains:
    case Operator::kNotContains:
    case Operator::kIn:
      return validation("Attempted conditional constraint is not an indexable operation");
    default: break;
  }
  for (const Value& value : test.values) {
    if (value.member() != attribute.type)
      return invalid_parameter("Condition parameter type does not match schema type");
    if (!value.is_n() && (value.is_s() ? value.s() : value.b()).empty())
      return validation(
          std::string("One or more parameter values are not valid. The AttributeValue "
                      "for a key attribute cannot contain an empty ") +
          (value.is_s() ? "string" : "binary") + " value. Key: " + attribute.name);
  }
  if (is_hash && test.op != Operator::kEq && !schema.is_composite())
    return validation("Query key condition not supported");
  return std::nullopt;
}

// Keys of several attributes: every hash attribute by equality, then range attributes from the left
// by equality, the last of them by anything.
std::optional<api::Error> check_composite(const KeySchema& schema, const KeyTests& tests) {
  std::size_t used = 0;
  bool closed = false;  // nothing may follow
  auto wrong =
      schema.each([&](const KeyAttribute& attribute, bool is_hash) -> std::optional<api::Error> {
        const auto found = tests.find(attribute.name);
        const bool equals = found != tests.end() && found->second.op == Operator::kEq;
        if (found != tests.end()) ++used;
        if (is_hash && !equals)
          return validation(
              "Query key condition not supported: every HASH key attribute needs an "
              "equality condition: " +
              attribute.name);
        if (is_hash) return std::nullopt;
        if (closed && found != tests.end())
          return validation(
              "Query key condition not supported: RANGE key attributes need equality "
              "conditions from the first on, without gaps: " +
              attribute.name);
        closed = closed || !equals;
        return std::nullopt;
      });
  if (wrong) return wrong;
  if (used == tests.size()) return std::nullopt;
  return validation("Query key condition not supported");
}

std::optional<api::Error> check_start_of_query(const Definition& definition,
                                               const KeySchema& schema, const KeyTests& tests,
                                               const Item& start) {
  if (auto wrong = check_key(definition.keys, key_of(definition.keys, start)))
    return validation(std::string(kInvalidStart) + ": " + wrong->message);
  const bool other_hash = schema.each([&](const KeyAttribute& key, bool is_hash) {
    return is_hash && !equal(start.at(key.name), tests.at(key.name).values.front());
  });
  const bool same_hash = !other_hash;
  if (schema.is_composite()) {
    const bool outside = schema.each([&](const KeyAttribute& key, bool is_hash) {
      const auto test = tests.find(key.name);
      return !is_hash && test != tests.end() &&
             !expression::passes(test->second, start.at(key.name));
    });
    if (same_hash && !outside) return std::nullopt;
    return validation(
        "The provided starting key is outside query boundaries based on provided conditions");
  }
  const auto range = schema.range ? tests.find(schema.range->name) : tests.end();
  if (range == tests.end()) {
    if (same_hash) return std::nullopt;
    return validation(
        "The provided starting key is outside query boundaries based on provided conditions");
  }
  if (!expression::passes(range->second, start.at(schema.range->name)))
    return validation("The provided starting key does not match the range key predicate");
  if (!same_hash) return validation("The query can return at most one row and cannot be restarted");
  return std::nullopt;
}

std::optional<api::Error> check_filter_keys(const KeySchema& schema, const ReadOptions& options) {
  if (!options.filter) return std::nullopt;
  std::vector<const expression::Path*> paths;
  expression::collect_paths(*options.filter, paths);
  return schema.each([&](const KeyAttribute& attribute, bool) -> std::optional<api::Error> {
    for (const auto* path : paths) {
      if (path->front().name == attribute.name)
        return validation(std::string(options.filter_name) +
                          " can only contain non-primary key attributes: Primary key attribute: " +
                          attribute.name);
    }
    return std::nullopt;
  });
}

std::optional<api::Error> check_all_attributes(const Index* index, const ReadOptions& options) {
  if (index == nullptr || !index->global || !options.all_attributes ||
      index->projection.kind == Projection::Kind::kAll)
    return std::nullopt;
  return invalid_parameter(
      "Select type ALL_ATTRIBUTES is not supported for global secondary index " + index->name +
      " because its projection type is not ALL");
}

std::optional<api::Error> check_paths(const Definition& definition, const ReadOptions& options) {
  std::vector<const expression::Path*> paths;
  if (options.projection) {
    for (const auto& path : *options.projection) paths.push_back(&path);
  }
  if (options.filter) expression::collect_paths(*options.filter, paths);
  return check_key_paths(definition, paths);
}

std::uint32_t segment_start(const Segment& segment, std::size_t number) {
  constexpr std::uint64_t kHashes = 1U << 16U;
  return static_cast<std::uint32_t>((kHashes * number + segment.total - 1) / segment.total);
}

// Collects Page::partitions: the space of hashes is cut into equal parts.
class PartitionBytes {
 public:
  // `prefix`: bytes of a key before its hash; 0: do not collect.
  PartitionBytes(std::size_t prefix, const std::string& from) : prefix_(prefix) {
    if (prefix_ > 0) first_ = last_ = partition_of(hash_of(from));
  }
  void add(const std::string& key, std::size_t bytes) {
    if (prefix_ == 0) return;
    last_ = partition_of(hash_of(key));
    bytes_[last_] += bytes;
  }
  // The scan has come to `to`, which was excluded.
  void reach_end_of(const std::string& to) {
    if (prefix_ == 0) return;
    const bool to_the_end = to.size() < prefix_ + 2;
    last_ = to_the_end ? kOnDemandPartitions - 1 : partition_of(hash_of(to) - 1U);
  }
  std::vector<std::size_t> take() && {
    if (prefix_ == 0) return {};
    return {bytes_.begin() + std::ptrdiff_t(first_), bytes_.begin() + std::ptrdiff_t(last_) + 1};
  }

 private:
  std::uint32_t hash_of(std::string_view key) const { return base::read_u16(key.substr(prefix_)); }
  static std::size_t partition_of(std::uint32_t hash) { return hash * kOnDemandPartitions >> 16U; }

  std::size_t prefix_;
  std::size_t first_ = 0, last_ = 0;
  std::array<std::size_t, kOnDemandPartitions> bytes_{};
};

// The bounds within a partition that the range key's test leaves.
void narrow(const KeyTest& test, const std::string& partition, std::string& from, std::string& to) {
  const auto at = [&](const Value& value) {
    std::string key = partition;
    append_key_value(key, value);
    return key;
  };
  const Value& value = test.values.front();
  switch (test.op) {
    case Operator::kEq:
      from = at(value);
      to = store::prefix_end(from);
      return;
    case Operator::kLt: to = at(value); return;
    case Operator::kLe: to = store::prefix_end(at(value)); return;
    case Operator::kGt: from = store::prefix_end(at(value)); return;
    case Operator::kGe: from = at(value); return;
    case Operator::kBetween:
      from = at(value);
      to = store::prefix_end(at(test.values[1]));
      return;
    default:
      from = partition;
      append_key_prefix(from, value.is_s() ? value.s() : value.b());
      to = store::prefix_end(from);
  }
}

}  // namespace

double read_units(std::size_t bytes, bool consistent) {
  return std::ceil(static_cast<double>(bytes) / kReadUnitBytes) * (consistent ? 1 : 0.5);
}

double read_units(const Page& page, bool consistent) {
  const auto units = [&](std::size_t bytes) {
    return read_units(std::max<std::size_t>(bytes, 1), consistent);
  };
  if (page.partitions.empty()) return units(page.bytes);
  double sum = 0;
  for (const std::size_t bytes : page.partitions) sum += units(bytes);
  return sum;
}

std::optional<api::Error> check_query(const Definition& definition, const Index* index,
                                      const KeyTests& tests, const ReadOptions& options) {
  const KeySchema& schema = schema_of(definition, index);
  if (tests.size() > 2 && !schema.is_composite())
    return validation("Conditions can be of length 1 or 2 only");
  if (options.start && options.start->size() != place_size(definition, index))
    return validation(kInvalidStart);
  if (schema.is_composite()) {
    if (auto wrong = check_composite(schema, tests)) return wrong;
  }
  if (auto wrong = schema.each(
          [&](const KeyAttribute& attribute, bool is_hash) -> std::optional<api::Error> {
            if (options.start) {
              if (auto bad = check_start_attribute(*options.start, attribute)) return bad;
            }
            return check_test(schema, tests, attribute, is_hash);
          }))
    return wrong;
  if (options.start) {
    if (auto wrong = check_start_of_query(definition, schema, tests, *options.start)) return wrong;
    // A key without a range finds one item: there is nothing to go on from.
    if (index == nullptr && schema.size() == 1)
      return validation("The provided exclusive start key is invalid: ExclusiveStartKey: {" +
                        schema.hash.name +
                        "=AttributeValue: " + describe(options.start->at(schema.hash.name)) + "}");
  }
  if (auto wrong = check_filter_keys(schema, options)) return wrong;
  if (auto wrong = check_all_attributes(index, options)) return wrong;
  return check_paths(definition, options);
}

std::optional<api::Error> check_scan(const Definition& definition, const Index* index,
                                     const Segment& segment, const ReadOptions& options) {
  if (options.start) {
    if (options.start->size() != place_size(definition, index))
      return validation(
          index != nullptr
              ? kInvalidStart
              : "The provided starting key is invalid: The provided key element does not match the "
                "schema");
    if (index != nullptr) {
      if (auto wrong = index->keys.each([&](const KeyAttribute& attribute, bool) {
            return check_start_attribute(*options.start, attribute);
          }))
        return wrong;
    }
    if (auto wrong = check_all_attributes(index, options)) return wrong;
    if (auto wrong = check_key(definition.keys, key_of(definition.keys, *options.start)))
      return validation(std::string(kInvalidStart) + ": " + wrong->message);
    const std::string partition = encode_partition(schema_of(definition, index), *options.start);
    const std::uint32_t hash = base::read_u16(partition);
    if (hash < segment_start(segment, segment.number) ||
        hash >= segment_start(segment, segment.number + 1))
      return validation(
          "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
          "ExclusiveStartKey with correct Segment. TotalSegments: " +
          std::to_string(segment.total) + " Segment: " + std::to_string(segment.number));
  }
  if (auto wrong = check_all_attributes(index, options)) return wrong;
  return check_paths(definition, options);
}

KeyRange key_range(const KeySchema& schema, const KeyTests& tests) {
  Item hash_values;
  schema.each([&](const KeyAttribute& key, bool is_hash) {
    if (is_hash) hash_values[key.name] = tests.at(key.name).values.front();
    return false;
  });
  std::string partition = encode_partition(schema, hash_values);
  KeyRange range{partition, store::prefix_end(partition)};
  schema.each([&](const KeyAttribute& key, bool is_hash) {
    const auto test = is_hash ? tests.end() : tests.find(key.name);
    if (test == tests.end()) return false;
    narrow(test->second, partition, range.from, range.to);
    // Only after an equality another test may follow.
    if (test->second.op == Operator::kEq) partition = range.from;
    return false;
  });
  return range;
}

async::Task<api::Outcome<std::optional<Item>>> ItemReader::get(TablePtr table, Item key) {
  auto stored = co_await get_stored(std::move(table), key);
  if (!stored) co_return std::unexpected(std::move(stored).error());
  if (!*stored) co_return std::optional<Item>();
  auto item = decode_item(**stored);
  if (!item) co_return std::unexpected(internal(item.error()));
  co_return std::optional<Item>(*std::move(item));
}

async::Task<api::Outcome<std::optional<std::string>>> ItemReader::get_stored(TablePtr table,
                                                                             const Item& key) {
  const std::string encoded = encode_key(table->definition()->keys, key);
  std::string item_key = keys::items(table->id()) + encoded;
  return stored_at(std::move(table), std::move(item_key), base::read_u16(encoded));
}

async::Task<api::Outcome<std::optional<std::string>>> ItemReader::stored_at(TablePtr table,
                                                                            std::string item_key,
                                                                            std::uint16_t hash) {
  auto stored = co_await store_.get(std::move(item_key));
  if (!stored) co_return std::unexpected(internal(stored.error()));
  const store::Sequence seen = table->recent(hash).to_wait_for(store_);
  if (seen > store_.durable_sequence()) {
    const auto settled = co_await store_.durable(seen);
    if (!settled) co_return std::unexpected(internal(settled.error()));
  }
  co_return *std::move(stored);
}

async::Task<api::Outcome<Page>> ItemReader::query(TablePtr table,
                                                  std::shared_ptr<const Definition> definition,
                                                  const Index* index, KeyTests tests,
                                                  ReadOptions options) {
  KeyRange keys = key_range(schema_of(*definition, index), tests);
  return range(std::move(table), std::move(definition), index, std::move(keys), std::move(options));
}

async::Task<api::Outcome<Page>> ItemReader::range(TablePtr table,
                                                  std::shared_ptr<const Definition> definition,
                                                  const Index* index, KeyRange keys,
                                                  ReadOptions options) {
  const std::string prefix = prefix_of(*definition, index);
  KeyRange whole{prefix + keys.from, prefix + keys.to};
  return read(std::move(table), std::move(definition), index, std::move(whole), std::move(options),
              false);
}

async::Task<api::Outcome<Page>> ItemReader::scan(TablePtr table,
                                                 std::shared_ptr<const Definition> definition,
                                                 const Index* index, Segment segment,
                                                 ReadOptions options) {
  const std::string prefix = prefix_of(*definition, index);
  const auto bound = [&](std::size_t number) {
    const std::uint32_t hash = segment_start(segment, number);
    if (hash > UINT16_MAX) return store::prefix_end(prefix);
    std::string key = prefix;
    base::append_u16(key, static_cast<std::uint16_t>(hash));
    return key;
  };
  KeyRange range{bound(segment.number), bound(segment.number + 1)};
  const bool by_partition = definition->on_demand;
  return read(std::move(table), std::move(definition), index, std::move(range), std::move(options),
              by_partition);
}

async::Task<base::Result<std::optional<Item>>> ItemReader::whole_item(const Definition& definition,
                                                                      const Item& entry) {
  auto stored = co_await store_.get(keys::item(definition, entry));
  if (!stored) co_return std::unexpected(std::move(stored).error());
  if (!*stored) co_return std::optional<Item>();
  auto item = decode_item(**stored);
  if (!item) co_return std::unexpected(std::move(item).error());
  co_return std::optional<Item>(*std::move(item));
}

base::Result<ItemReader::Seen> ItemReader::look_at(const Definition& definition,
                                                   std::string_view entry, bool decode) {
  const auto sizes = stored_sizes(definition.keys, entry);
  if (!sizes) return base::error(base::ErrorCode::kCorruption, "bytes that are no item");
  Seen seen{.bytes = sizes->item, .stored = sizes->stored};
  if (!decode) return seen;
  ASSIGN_OR_RETURN(seen.item, decode_item(entry));
  return seen;
}

async::Task<api::Outcome<Page>> ItemReader::read(TablePtr table,
                                                 std::shared_ptr<const Definition> definition,
                                                 const Index* index, KeyRange range,
                                                 ReadOptions options, bool by_partition) {
  if (options.start) {
    // Exclusive: the place itself is left out on either side.
    std::string place = place_key(*definition, index, *options.start);
    if (options.forward) range.from = std::max(range.from, place + '\0');
    else range.to = std::min(range.to, place);
  }
  Page page;
  bool full = false, more = range.from < range.to;
  Item last;
  const std::size_t prefix = prefix_of(*definition, index).size();
  PartitionBytes partitions(by_partition && more ? prefix : 0, range.from);
  std::size_t stored = 0;
  const bool keeps_stored = options.keeps_stored();
  const bool looks_up = options.whole_items && index != nullptr;
  const bool decodes = options.filter || looks_up || !(keeps_stored || options.count_only);
  while (more && !full) {
    store::ScanOptions scan{
        .limit = kStorePage, .bytes_max = kPageBytesMax, .reverse = !options.forward};
    if (options.limit) scan.limit = std::min(scan.limit, *options.limit - page.scanned);
    auto entries = co_await store_.scan(range.from, range.to, scan);
    if (!entries) co_return std::unexpected(internal(entries.error()));
    more = !entries->empty();
    for (store::KeyValue& entry : *entries) {
      auto looked = look_at(*definition, entry.value, decodes);
      if (!looked) co_return std::unexpected(internal(looked.error()));
      ++page.scanned;
      page.bytes += looked->bytes;
      partitions.add(entry.key, looked->bytes);
      stored += looked->stored;
      full = stored >= options.bytes_max || (options.limit && page.scanned >= *options.limit);
      if (full) {
        auto item = decode_item(entry.value);
        if (!item) co_return std::unexpected(internal(item.error()));
        last = place_of(*definition, index, *item);
      }
      if (looks_up) {
        auto whole = co_await whole_item(*definition, *looked->item);
        if (!whole) co_return std::unexpected(internal(whole.error()));
        if (*whole) looked->item = **std::move(whole);
        const std::size_t table_bytes = item_size(*looked->item);
        page.table_bytes += table_bytes;
        page.table_units += static_cast<std::size_t>(read_units(table_bytes, true));
      }
      if (!options.filter || expression::holds(*options.filter, *looked->item)) {
        ++page.count;
        if (keeps_stored) page.stored.push_back(std::move(entry.value));
        else if (!options.count_only)
          page.items.push_back(options.projection
                                   ? expression::project(*looked->item, *options.projection)
                                   : *std::move(looked->item));
      }
      if (full) break;
    }
    if (more && options.forward) range.from = entries->back().key + '\0';
    else if (more) range.to = entries->back().key;
  }
  if (!full) partitions.reach_end_of(range.to);
  page.partitions = std::move(partitions).take();
  if (full) page.last = std::move(last);
  const store::Sequence seen = table->recent_of_all().to_wait_for(store_);
  if (seen > store_.durable_sequence()) {
    const auto settled = co_await store_.durable(seen);
    if (!settled) co_return std::unexpected(internal(settled.error()));
  }
  if (table->dropped()) co_return std::unexpected(table_not_found());
  co_return page;
}

}  // namespace tables
