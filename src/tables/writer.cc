#include "tables/writer.h"

#include <algorithm>

#include "async/when_all.h"
#include "base/log.h"
#include "tables/expiry.h"
#include "tables/item.h"

namespace tables {

namespace {

api::Error internal(const base::Error& error) {
  base::log_error("tables: {}", error.to_string());
  return api::internal_failure();
}

base::Result<LazyItem> stored_item(std::optional<std::string> stored) {
  if (!stored) return LazyItem();
  return LazyItem::of_stored(*std::move(stored));
}

}  // namespace

Writer::Place Writer::place_of(const Definition& definition, const LazyItem& item) {
  std::string key = keys::item(definition, item);
  const std::uint16_t hash = keys::partition_of(key);
  return {std::move(key), hash};
}

async::Task<base::Result<std::optional<Item>>> Writer::read(std::string key) {
  auto stored = co_await store_.get(std::move(key));
  if (!stored) co_return std::unexpected(std::move(stored).error());
  if (!*stored) co_return std::optional<Item>();
  auto item = decode_item(**stored);
  if (!item) co_return std::unexpected(std::move(item).error());
  co_return std::optional<Item>(*std::move(item));
}

async::Task<base::Status> Writer::settle(store::Sequence sequence) {
  if (sequence <= store_.durable_sequence()) co_return base::Status();
  base::Status status = co_await store_.durable(sequence);
  co_return status;
}

async::Task<base::Result<LazyItem>> Writer::find(std::string key) {
  auto stored = co_await store_.get(std::move(key));
  if (!stored) co_return std::unexpected(std::move(stored).error());
  co_return stored_item(*std::move(stored));
}

async::Task<base::Result<LazyItem>> Writer::look(Lane& lane, const std::string& key) {
  if (const LazyItem* const after = lane.groups.after(key); after != nullptr) co_return *after;
  auto item = co_await find(key);
  co_return item;
}

std::optional<LazyItem> Writer::peek(Lane& lane, const std::string& key) {
  if (lane.locks.is_held(key)) return std::nullopt;
  if (const LazyItem* const after = lane.groups.after(key); after != nullptr) return *after;
  if (peeking_ == nullptr) return std::nullopt;
  auto stored = peeking_->peek(key);
  if (!stored || !*stored) return std::nullopt;
  auto item = stored_item(**std::move(stored));
  if (!item) return std::nullopt;
  return *std::move(item);
}

std::optional<std::vector<LazyItem>> Writer::peek_all(Lane& lane,
                                                      const std::vector<Placed>& writes) {
  std::vector<LazyItem> items;
  items.reserve(writes.size());
  for (const Placed& one : writes) {
    auto item = peek(lane, one.write->key);
    if (!item) return std::nullopt;
    items.push_back(*std::move(item));
  }
  return items;
}

async::Task<api::Outcome<Written>> Writer::write(TablePtr table, Write write) {
  Place place;
  {
    const auto definition = table->definition();
    if (auto wrong = check_write(*definition, write)) co_return std::unexpected(*std::move(wrong));
    place = place_of(*definition, write.item);
  }
  Lane& lane = lanes_.of(place.hash);
  async::Core* const home = async::Core::current();
  co_await async::on(*lane.core);
  auto written = co_await write_here(lane, std::move(table), std::move(write), std::move(place));
  if (home != nullptr) co_await async::on(*home);
  co_return written;
}

async::Task<api::Outcome<Written>> Writer::write_here(Lane& lane, TablePtr table, Write write,
                                                      Place place) {
  std::optional<KeyLocks::Lock> lock;
  std::optional<LazyItem> before = peek(lane, place.key);
  if (!before) {
    auto taken = co_await lane.locks.acquire(place.key);
    lock.emplace(std::move(taken));
    if (table->dropped()) co_return std::unexpected(table_not_found());
    auto found = co_await look(lane, place.key);
    if (!found) co_return std::unexpected(internal(found.error()));
    before = *std::move(found);
  } else if (table->dropped()) {
    co_return std::unexpected(table_not_found());
  }
  // Read under the lock, or where nothing comes in between: see drain().
  auto definition = table->definition();
  auto after = decide(*definition, std::move(write), *before);
  const bool is_change = after && (*before || *after);
  Written written;
  base::Status settled;
  if (is_change || lane.groups.after(place.key) != nullptr) {
    if (is_change)
      lane.groups.join({std::move(table), std::move(definition), std::move(place.key), place.hash,
                        *std::move(before), *std::move(after), &written});
    if (lock) lock->release();
    settled = co_await lane.groups.settled();
  } else {
    const store::Sequence seen = table->recent(place.hash).to_wait_for(store_);
    if (lock) lock->release();
    settled = co_await settle(seen);
  }
  if (!settled) co_return std::unexpected(internal(settled.error()));
  if (!after) co_return std::unexpected(std::move(after).error());
  co_return written;
}

async::Task<api::Outcome<std::vector<Written>>> Writer::write_all(std::vector<TableWrite> writes) {
  std::vector<Written> all(writes.size());
  std::vector<std::vector<Placed>> by_lane(lanes_.size());
  for (std::size_t i = 0; i < writes.size(); ++i) {
    TableWrite& one = writes[i];
    if (one.key.empty()) {
      const auto definition = one.table->definition();
      if (auto wrong = check_write(*definition, one.write))
        co_return std::unexpected(*std::move(wrong));
      one.key = keys::item(*definition, one.write.item);
    }
    std::vector<Placed>& there = by_lane[lanes_.of(keys::partition_of(one.key)).number];
    if (there.empty()) there.reserve(writes.size() - i);
    there.push_back({&one, &all[i]});
  }
  std::vector<async::Task<api::Outcome<void>>> tasks;
  for (std::size_t lane = 0; lane < by_lane.size(); ++lane) {
    if (by_lane[lane].empty()) continue;
    tasks.push_back(async::run_on(*lanes_.at(lane).core,
                                  write_lane(lanes_.at(lane), std::move(by_lane[lane]))));
  }
  if (tasks.size() == 1) {
    auto result = co_await std::move(tasks.front());
    if (!result) co_return std::unexpected(std::move(result).error());
    co_return all;
  }
  auto results = co_await async::when_all(std::move(tasks));
  for (auto& result : results) {
    if (!result) co_return std::unexpected(std::move(result).error());
  }
  co_return all;
}

// In the order of keys, as everybody who takes several.
async::Task<std::vector<KeyLocks::Lock>> Writer::lock_here(Lane& lane,
                                                           const std::vector<Placed>& writes) {
  std::vector<std::string> sorted;
  for (const Placed& one : writes) sorted.push_back(one.write->key);
  std::ranges::sort(sorted);
  std::vector<KeyLocks::Lock> locks;
  for (std::string& key : sorted) {
    auto lock = co_await lane.locks.acquire(std::move(key));
    locks.push_back(std::move(lock));
  }
  co_return locks;
}

async::Task<api::Outcome<void>> Writer::write_lane(Lane& lane, std::vector<Placed> writes) {
  std::vector<KeyLocks::Lock> locks;
  auto before = peek_all(lane, writes);
  if (!before) {
    locks = co_await lock_here(lane, writes);
    before.emplace();
    before->reserve(writes.size());
    for (const Placed& one : writes) {
      auto found = co_await look(lane, one.write->key);
      if (!found) co_return std::unexpected(internal(found.error()));
      before->push_back(*std::move(found));
    }
  }
  std::vector<std::shared_ptr<const Definition>> definitions;
  std::vector<LazyItem> after;
  definitions.reserve(writes.size());
  after.reserve(writes.size());
  for (std::size_t i = 0; i < writes.size(); ++i) {
    TableWrite& one = *writes[i].write;
    if (one.table->dropped()) co_return std::unexpected(table_not_found());
    const bool is_known = i > 0 && one.table == writes[i - 1].write->table;
    definitions.push_back(is_known ? definitions.back() : one.table->definition());
    auto decided = decide(*definitions[i], std::move(one.write), (*before)[i]);
    if (!decided) co_return std::unexpected(std::move(decided).error());
    after.push_back(*std::move(decided));
  }
  store::Sequence seen = 0;
  bool is_in_group = false;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    TableWrite& one = *writes[i].write;
    const std::uint16_t hash = keys::partition_of(one.key);
    if ((*before)[i] || after[i]) {
      is_in_group = true;
      lane.groups.join({one.table, std::move(definitions[i]), std::move(one.key), hash,
                        std::move((*before)[i]), std::move(after[i]), writes[i].written});
    } else if (lane.groups.after(one.key) != nullptr) {
      is_in_group = true;
    } else {
      seen = std::max(seen, one.table->recent(hash).to_wait_for(store_));
    }
  }
  locks.clear();
  if (is_in_group) {
    const auto settled = co_await lane.groups.settled();
    if (!settled) co_return std::unexpected(internal(settled.error()));
  }
  const auto settled = co_await settle(seen);
  if (!settled) co_return std::unexpected(internal(settled.error()));
  co_return api::Outcome<void>();
}

async::Task<void> Writer::drain() {
  async::Core* const home = async::Core::current();
  for (std::size_t number = 0; number < lanes_.size(); ++number) {
    Lane& lane = lanes_.at(number);
    co_await async::on(*lane.core);
    for (std::string& key : lane.locks.held()) {
      auto lock = co_await lane.locks.acquire(std::move(key));
      lock.release();
    }
    lane.groups.submit();
  }
  if (home != nullptr) co_await async::on(*home);
}

async::Task<base::Status> Writer::backfill(TablePtr table, IndexId index, std::string item_key) {
  const std::uint16_t hash = keys::partition_of(item_key);
  Lane& lane = lanes_.of(hash);
  co_await async::on(*lane.core);
  auto lock = co_await lane.locks.acquire(item_key);
  lane.groups.submit();
  auto item = co_await read(item_key);
  if (!item) co_return std::unexpected(std::move(item).error());
  const auto definition = table->definition();
  const auto found = std::ranges::find(definition->indexes, index, &Index::id);
  if (!*item || table->dropped() || found == definition->indexes.end()) co_return base::Status();
  const auto entry = index_entry(*definition, *found, **item);
  // An item whose attributes cannot be keys of the index is left out, as AWS does.
  if (!entry || check_index_keys(*definition, *entry)) co_return base::Status();
  const std::string key =
      keys::entries(table->id(), index) + encode_index_key(*definition, *found, *entry);
  auto there = co_await store_.get(key);
  if (!there) co_return std::unexpected(std::move(there).error());
  if (*there) co_return base::Status();
  store::Batch batch;
  batch.put(key, encode_item(*entry));
  Counts counts;
  counts[index] = {1, static_cast<std::int64_t>(item_size(*entry))};
  table->count(lane.number, counts, batch);
  RecentWrites::InFlight mark(table->recent_of_all());
  const auto submitted = store_.submit(std::move(batch));
  if (!submitted) co_return std::unexpected(submitted.error());
  mark.submitted(*submitted);
  co_return base::Status();
}

async::Task<base::Status> Writer::note_expiry(TablePtr table, std::string item_key) {
  Lane& lane = lanes_.of(keys::partition_of(item_key));
  co_await async::on(*lane.core);
  auto lock = co_await lane.locks.acquire(item_key);
  lane.groups.submit();
  auto item = co_await read(item_key);
  if (!item) co_return std::unexpected(std::move(item).error());
  if (!*item || table->dropped()) co_return base::Status();
  const auto end = expiry_of(*table->definition(), **item);
  if (!end) co_return base::Status();
  store::Batch batch;
  batch.put(expiry_key(*end, table->id(), item_key), "");
  const auto submitted = store_.submit(std::move(batch));
  if (!submitted) co_return std::unexpected(submitted.error());
  co_return base::Status();
}

async::Task<base::Status> Writer::expire(TablePtr table, std::string item_key, std::string row,
                                         std::int64_t now_seconds) {
  const std::uint16_t hash = keys::partition_of(item_key);
  Lane& lane = lanes_.of(hash);
  co_await async::on(*lane.core);
  auto lock = co_await lane.locks.acquire(item_key);
  lane.groups.submit();
  if (table->dropped()) co_return base::Status();
  auto item = co_await find(item_key);
  if (!item) co_return std::unexpected(std::move(item).error());
  const auto definition = table->definition();
  const auto end = *item ? expiry_of(*definition, **item) : std::nullopt;
  store::Batch batch;
  batch.erase(std::move(row));
  RecentWrites::InFlight here(table->recent(hash));
  RecentWrites::InFlight everywhere(table->recent_of_all());
  Written written;
  std::vector<Change> changes;
  if (end && is_over(*end, now_seconds)) {
    Counts counts;
    written = record_change(*definition, item_key, *std::move(item), LazyItem(), batch, counts);
    if (is_captured(*definition))
      changes.push_back({*definition, written.before.get(), nullptr, true});
    table->count(lane.number, counts, batch);
  }
  const auto submitted = submit_changes(store_, sink_, changes, std::move(batch));
  if (!submitted) co_return std::unexpected(submitted.error());
  here.submitted(*submitted);
  everywhere.submitted(*submitted);
  co_return base::Status();
}

}  // namespace tables
