#include "backups/history.h"

#include <algorithm>

#include "async/timer.h"
#include "backups/backup.h"
#include "backups/keys.h"
#include "base/encoding.h"
#include "base/log.h"
#include "store/for_each.h"
#include "tables/table.h"

namespace backups {

namespace {

using tables::Definition;

bool is_kept(const Definition& table) { return table.history && table.history->enabled; }

// The history that `before` keeps and `after` does not.
bool ends(const Definition* before, const Definition* after) {
  if (before == nullptr || !is_kept(*before)) return false;
  return after == nullptr || !is_kept(*after) || after->history->number != before->history->number;
}

}  // namespace

async::Task<base::Status> History::open() {
  const auto tip = co_await store_.get(keys::trimmed(table_, capture_));
  if (!tip) co_return std::unexpected(tip.error());
  if (*tip && (*tip)->size() == 8) first_ = next_ = base::read_u64(**tip);
  const auto oldest = co_await page(0, keys::kPositionMax, false);
  if (!oldest) co_return std::unexpected(oldest.error());
  if (oldest->empty()) co_return base::Status();
  first_ = oldest->front().position;
  const auto newest = co_await page(0, keys::kPositionMax, true);
  if (!newest) co_return std::unexpected(newest.error());
  next_ = newest->front().position + 1;
  last_time_ = newest->front().created;
  co_return base::Status();
}

Position History::cut() {
  const std::lock_guard lock(mutex_);
  return next_;
}

async::Task<base::Result<Position>> History::position_after(base::Timestamp time) {
  Position low = first_;
  Position high = cut();
  while (low < high) {
    const Position middle = low + (high - low) / 2;
    const auto row = co_await store_.get(keys::change(table_, capture_, middle));
    if (!row) co_return std::unexpected(row.error());
    if (!*row) {  // trimmed under our hands: what is asked for lies beyond
      low = middle + 1;
      continue;
    }
    const auto created = changes::created_of(**row);
    if (!created) co_return std::unexpected(created.error());
    if (*created <= time) low = middle + 1;
    else high = middle;
  }
  co_return low;
}

async::Task<base::Result<std::vector<changes::Record>>> History::read(Position from,
                                                                      Position until) {
  return page(from, until, false);
}

async::Task<base::Result<std::vector<changes::Record>>> History::read_back(Position from,
                                                                           Position until) {
  return page(from, until, true);
}

async::Task<base::Result<std::vector<changes::Record>>> History::page(Position from, Position until,
                                                                      bool reverse) {
  const auto rows = co_await store_.scan(
      keys::change(table_, capture_, from), keys::change(table_, capture_, until),
      {.limit = kHistoryPage, .bytes_max = kHistoryPageBytes, .reverse = reverse});
  if (!rows) co_return std::unexpected(rows.error());
  std::vector<changes::Record> records;
  for (const store::KeyValue& row : *rows) {
    auto record = changes::decode_record(keys::position_of(row.key), row.value);
    if (!record) co_return std::unexpected(record.error());
    records.push_back(*std::move(record));
  }
  co_return records;
}

async::Task<base::Status> History::trim_before(base::Timestamp time) {
  const auto position = co_await position_after(time - base::Milliseconds(1));
  if (!position) co_return std::unexpected(position.error());
  if (*position <= first_) co_return base::Status();
  store::Batch batch;
  std::string tip;
  base::append_u64(tip, *position);
  batch.put(keys::trimmed(table_, capture_), std::move(tip));
  batch.erase_range(keys::change(table_, capture_, 0), keys::change(table_, capture_, *position));
  base::Status trimmed = co_await store_.commit(std::move(batch));
  if (trimmed) first_ = *position;
  co_return trimmed;
}

// Logs that a batch appends to, locked in one order by everybody: that of their addresses.
class Histories::Held final : public Recording {
 public:
  explicit Held(std::vector<HistoryPtr> histories) : histories_(std::move(histories)) {
    std::ranges::sort(histories_);
    const auto repeated = std::ranges::unique(histories_);
    histories_.erase(repeated.begin(), repeated.end());
    for (const HistoryPtr& history : histories_) {
      locks_.emplace_back(history->mutex_);
      first_given_.push_back(history->next_);
    }
  }
  // What was not submitted leaves no gap.
  ~Held() override {
    for (std::size_t i = 0; i < locks_.size(); ++i) histories_[i]->next_ = first_given_[i];
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  // One time for all records of the batch, not before any record there is.
  base::Timestamp stamp(base::Timestamp now) {
    for (const HistoryPtr& history : histories_) now = std::max(now, history->last_time_);
    for (const HistoryPtr& history : histories_) history->last_time_ = now;
    return now;
  }

  static void append(History& history, std::string record, store::Batch& batch) {
    batch.put(keys::change(history.table_, history.capture_, history.next_++), std::move(record));
  }

  void submitted(store::Sequence /*sequence*/) override { locks_.clear(); }

 private:
  std::vector<HistoryPtr> histories_;
  std::vector<std::unique_lock<std::mutex>> locks_;
  std::vector<Position> first_given_;
};

std::unique_ptr<tables::ChangeSink::Recording> Histories::record(
    std::span<const tables::Change> changes, store::Batch& batch) {
  struct Entry {
    HistoryPtr history;
    const tables::Change* change;
  };
  std::vector<Entry> entries;
  std::vector<HistoryPtr> histories;
  for (const tables::Change& change : changes) {
    if (!is_kept(change.table) || !changes::is_change(change)) continue;
    HistoryPtr history = of(change.table.id, change.table.history->number);
    CHECK(history != nullptr);
    histories.push_back(history);
    entries.push_back({std::move(history), &change});
  }
  if (entries.empty()) return nullptr;
  auto held = std::make_unique<Held>(std::move(histories));
  const base::Timestamp time = held->stamp(clock_.now());
  for (const Entry& entry : entries)
    Held::append(*entry.history, changes::encode_record(*entry.change, tables::View::kBoth, time),
                 batch);
  return held;
}

void Histories::redefine(const Definition* /*before*/, const Definition* after,
                         store::Batch& batch) {
  // The row of one that ends goes with its log, in drop(): until then it says what is there.
  if (after == nullptr || !is_kept(*after)) return;
  HistoryPtr history = of(after->id, after->history->number);
  if (history == nullptr) {
    history = std::make_shared<History>(after->id, after->history->number, store_);
    add(history);
    batch.put(keys::history(after->id, after->history->number),
              tables::encode_capture(*after->history));
  }
  // While a picture is taken nothing is trimmed: it may need what falls out of the window.
  const bool trims = after->point_in_time.enabled && after->pictures.empty();
  history->days_ = trims ? after->point_in_time.days : 0;
}

void Histories::redefined(const Definition* before, const Definition* after) {
  if (!ends(before, after)) return;
  if (HistoryPtr history = of(before->id, before->history->number))
    async::spawn(control_, gate_, drop_later(std::move(history)));
}

void Histories::removing(const tables::Table& table, store::Batch& batch) {
  const auto definition = table.definition();
  if (!definition->point_in_time.enabled) return;
  const auto counts = table.counts();
  const auto whole = counts.find(tables::IndexId(0));
  const Backup backup = system_backup(*definition, clock_.now(), random_,
                                      whole == counts.end() ? tables::Count() : whole->second);
  batch.put(keys::backup(backup), encode_backup(backup));
}

HistoryPtr Histories::find(const Definition& table) const {
  return is_kept(table) ? of(table.id, table.history->number) : nullptr;
}

HistoryPtr Histories::of(tables::TableId table, std::uint16_t capture) const {
  const auto known = known_.get();
  const auto found = known->find({table, capture});
  return found == known->end() ? nullptr : found->second;
}

void Histories::add(HistoryPtr history) {
  const std::lock_guard lock(changing_);
  Known known = *known_.get();
  const Id id{history->table(), history->capture()};
  known[id] = std::move(history);
  known_.set(std::move(known));
}

async::Task<base::Status> Histories::drop(HistoryPtr history) {
  store::Batch batch;
  const std::string changes = keys::all_changes(history->table(), history->capture());
  batch.erase_range(changes, store::prefix_end(changes));
  batch.erase(keys::trimmed(history->table(), history->capture()));
  batch.erase(keys::history(history->table(), history->capture()));
  base::Status dropped = co_await store_.commit(std::move(batch));
  if (!dropped) co_return dropped;
  const std::lock_guard lock(changing_);
  Known known = *known_.get();
  known.erase({history->table(), history->capture()});
  known_.set(std::move(known));
  co_return dropped;
}

async::Task<void> Histories::drop_later(HistoryPtr history) {
  const auto dropped = co_await drop(history);
  if (!dropped)
    base::log_error("backups: forgetting a table's history: {}", dropped.error().to_string());
}

async::Task<base::Status> Histories::open() {
  std::vector<HistoryPtr> found;
  base::Status loaded = co_await store::for_each(
      store_, keys::all_histories(), [this, &found](const store::KeyValue& row) -> base::Status {
        const auto id = keys::parse_history(row.key);
        if (!id) return base::error(base::ErrorCode::kCorruption, "a history of an unknown form");
        found.push_back(std::make_shared<History>(id->first, id->second, store_));
        return {};
      });
  if (!loaded) co_return loaded;
  for (const HistoryPtr& history : found) {
    base::Status opened = co_await history->open();
    if (!opened) co_return opened;
    add(history);
  }
  co_return base::Status();
}

async::Task<base::Status> Histories::forget_others(
    std::vector<std::shared_ptr<const Definition>> tables) {
  const auto known = known_.get();
  std::map<Id, const Definition*> wanted;
  for (const auto& table : tables) {
    if (is_kept(*table)) wanted[{table->id, table->history->number}] = table.get();
  }
  for (const auto& [id, history] : *known) {
    const auto found = wanted.find(id);
    if (found != wanted.end()) {
      const Definition& table = *found->second;
      const bool trims = table.point_in_time.enabled && table.pictures.empty();
      history->days_ = trims ? table.point_in_time.days : 0;
      continue;
    }
    base::Status dropped = co_await drop(history);
    if (!dropped) co_return dropped;
  }
  co_return base::Status();
}

void Histories::start() { async::spawn(control_, gate_, sweep()); }

async::Task<void> Histories::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

async::Task<void> Histories::sweep() {
  for (;;) {
    const base::Status trimmed = co_await trim();
    if (!trimmed) base::log_error("backups: {}", trimmed.error().to_string());
    const bool slept = co_await async::sleep_for(kTrimEvery, stop_.get_token());
    if (!slept) co_return;
  }
}

async::Task<base::Status> Histories::trim() {
  const auto known = known_.get();
  for (const auto& [id, history] : *known) {
    const std::uint8_t days = history->days_;
    if (days == 0) continue;
    const base::Timestamp oldest = clock_.now() - std::chrono::hours(24 * days) - kTrimSlack;
    base::Status trimmed = co_await history->trim_before(oldest);
    if (!trimmed) co_return trimmed;
  }
  co_return base::Status();
}

}  // namespace backups
