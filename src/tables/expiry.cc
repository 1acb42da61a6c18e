#include "tables/expiry.h"

#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"
#include "tables/number.h"

namespace tables {

namespace {

constexpr std::int64_t kForgottenSeconds = 5LL * 365 * 24 * 60 * 60;

std::int64_t seconds_of(base::Timestamp time) { return base::to_epoch_ms(time) / 1000; }

}  // namespace

std::optional<std::int64_t> expiry_of(const Definition& definition, const Item& item) {
  if (!definition.time_to_live.enabled) return std::nullopt;
  const auto found = item.find(definition.time_to_live.attribute);
  if (found == item.end() || !found->second.is_n()) return std::nullopt;
  const auto number = Number::parse(found->second.n());
  if (!number) return std::nullopt;
  const auto seconds = number->whole_part();
  if (!seconds || *seconds <= 0) return std::nullopt;
  return seconds;
}

std::string expiry_key(std::int64_t seconds, TableId table, std::string_view item_key) {
  std::string key = keys::expiries();
  base::append_u64(key, static_cast<std::uint64_t>(seconds));
  base::append_u32(key, table.value());
  key += item_key.substr(keys::items(table).size());
  return key;
}

bool is_over(std::int64_t expiry_seconds, std::int64_t now_seconds) {
  return expiry_seconds <= now_seconds && expiry_seconds > now_seconds - kForgottenSeconds;
}

void Sweeper::start() { async::spawn(*lanes_.at(0).core, gate_, run()); }

async::Task<void> Sweeper::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

async::Task<void> Sweeper::run() {
  while (true) {
    const bool slept = co_await async::sleep_for(kSweepEvery, stop_.get_token());
    if (!slept) co_return;
    bool more = true;
    while (more && !stop_.stop_requested()) {
      const auto swept = co_await sweep();
      if (!swept) base::log_error("tables: sweeping expired items: {}", swept.error().to_string());
      more = swept && *swept == kSweepPage;
    }
  }
}

async::Task<base::Result<std::size_t>> Sweeper::sweep() {
  const std::int64_t now = seconds_of(clock_.now());
  const std::string from = keys::expiries();
  std::string to = from;
  base::append_u64(to, static_cast<std::uint64_t>(now) + 1);
  auto due = co_await store_.scan(from, to, {.limit = kSweepPage});
  if (!due) co_return std::unexpected(std::move(due).error());
  TablePtr table;
  for (const store::KeyValue& row : *due) {
    std::string_view rest = std::string_view(row.key).substr(from.size() + 8);
    const TableId id(base::read_u32(rest));
    rest.remove_prefix(4);
    if (!table || table->id() != id) table = catalogue_.find(id);
    if (!table) {
      store::Batch forget;
      forget.erase(row.key);
      const auto forgotten = store_.submit(std::move(forget));
      if (!forgotten) co_return std::unexpected(forgotten.error());
      continue;
    }
    std::string item_key = keys::items(id);
    item_key += rest;
    const auto done = co_await async::run_on(
        *lanes_.at(0).core, writer_.expire(table, std::move(item_key), row.key, now));
    if (!done) co_return std::unexpected(done.error());
  }
  co_return due->size();
}

}  // namespace tables
