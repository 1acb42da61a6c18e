#include "tables/table.h"

#include "base/encoding.h"
#include "tables/record.h"

namespace tables {

namespace {

constexpr std::uint8_t kCountsVersion = 1;

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

std::string with_table(std::string_view kind, TableId table) {
  std::string key(kind);
  base::append_u32(key, table.value());
  return key;
}

}  // namespace

Table::Table(std::shared_ptr<const Definition> definition, std::size_t lanes)
    : id_(definition->id), definition_(std::move(definition)), counts_(lanes) {
  filling_ = definition_->is_filling();
}

std::shared_ptr<const Definition> Table::definition() const {
  const std::lock_guard lock(mutex_);
  return definition_;
}

void Table::publish(std::shared_ptr<const Definition> definition) {
  const std::lock_guard lock(mutex_);
  filling_ = definition->is_filling();
  definition_ = std::move(definition);
}

Counts Table::counts() const {
  const std::lock_guard lock(mutex_);
  Counts sum;
  for (const Counts& lane : counts_) {
    for (const auto& [index, count] : lane) {
      sum[index].items += count.items;
      sum[index].bytes += count.bytes;
    }
  }
  return sum;
}

void Table::count(std::size_t lane, const Counts& difference, store::Batch& batch) {
  const std::lock_guard lock(mutex_);
  Counts& mine = counts_[lane];
  for (const auto& [index, count] : difference) {
    mine[index].items += count.items;
    mine[index].bytes += count.bytes;
  }
  batch.put(keys::counts(id_, lane), encode_counts(mine));
}

void Table::add_counts(std::size_t lane, const Counts& counts) {
  const std::lock_guard lock(mutex_);
  if (lane >= counts_.size()) counts_.resize(lane + 1);
  for (const auto& [index, count] : counts) {
    counts_[lane][index].items += count.items;
    counts_[lane][index].bytes += count.bytes;
  }
}

void Table::forget(IndexId index) {
  const std::lock_guard lock(mutex_);
  for (Counts& lane : counts_) lane.erase(index);
}

std::string encode_counts(const Counts& counts) {
  ByteWriter out;
  out.byte(kCountsVersion);
  for (const auto& [index, count] : counts) {
    out.varint(index.value());
    out.varint(zigzag(count.items));
    out.varint(zigzag(count.bytes));
  }
  return out.take();
}

base::Result<Counts> decode_counts(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.byte() != kCountsVersion || in.bad())
    return base::error(base::ErrorCode::kCorruption, "a table's counts of an unknown version");
  Counts counts;
  while (!in.done()) {
    Count& count = counts[IndexId(static_cast<std::uint16_t>(in.varint()))];
    count.items = unzigzag(in.varint());
    count.bytes = unzigzag(in.varint());
  }
  if (in.bad()) return base::error(base::ErrorCode::kCorruption, "a table's counts that are cut");
  return counts;
}

namespace keys {

// Account, region and table names hold no zero byte.
std::string definition(std::string_view account, std::string_view region, std::string_view name) {
  return std::string("Td").append(account).append(1, '\0').append(region).append(1, '\0').append(
      name);
}
std::string all_definitions() { return "Td"; }
std::string next_table() { return "Tn"; }
std::string items(TableId table) { return with_table("Ti", table); }
namespace {
template <class AnyItem>
std::string key_of(const Definition& table, const AnyItem& item_or_key) {
  constexpr std::size_t kUsual = 64;
  std::string key;
  key.reserve(kUsual);
  key += "Ti";
  base::append_u32(key, table.id.value());
  append_key(key, table.keys, item_or_key);
  return key;
}
}  // namespace
std::string item(const Definition& table, const Item& item_or_key) {
  return key_of(table, item_or_key);
}
std::string item(const Definition& table, const LazyItem& item_or_key) {
  return key_of(table, item_or_key);
}
std::uint16_t partition_of(std::string_view item) {
  constexpr std::size_t kTableBytes = 6;
  return base::read_u16(item.substr(kTableBytes));
}
std::string entries(TableId table, IndexId index) {
  std::string key = with_table("Tx", table);
  base::append_u16(key, index.value());
  return key;
}
std::string all_entries(TableId table) { return with_table("Tx", table); }
std::string counts(TableId table, std::size_t lane) {
  std::string key = with_table("Tc", table);
  base::append_u16(key, static_cast<std::uint16_t>(lane));
  return key;
}
std::string all_counts(TableId table) { return with_table("Tc", table); }
std::string all_counts() { return "Tc"; }
std::string expiries() { return "Te"; }
std::string token(std::string_view account, std::string_view region, std::string_view token) {
  return std::string("Tt").append(account).append(1, '\0').append(region).append(1, '\0').append(
      token);
}

}  // namespace keys

}  // namespace tables
