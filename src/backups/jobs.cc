// What Backups does in the background.

#include <algorithm>

#include "async/timer.h"
#include "backups/backups.h"
#include "backups/filling.h"
#include "backups/keys.h"
#include "base/log.h"
#include "store/for_each.h"
#include "tables/item.h"

namespace backups {

namespace {

using tables::Definition;
using tables::TableName;

constexpr std::size_t kFillPage = 256;

base::Error as_error(const api::Error& error) {
  return {base::ErrorCode::kInternal, error.code + ": " + error.message};
}

}  // namespace

async::Task<base::Status> Backups::open() {
  std::vector<std::shared_ptr<const Definition>> definitions;
  for (const tables::TablePtr& table : parts_.tables.catalogue().all())
    definitions.push_back(table->definition());
  base::Status cleaned = co_await parts_.histories.forget_others(std::move(definitions));
  if (!cleaned) co_return cleaned;
  base::Status loaded = co_await load_jobs();
  co_return loaded;
}

async::Task<base::Status> Backups::load_jobs() {
  std::vector<Job> jobs;
  base::Status loaded =
      co_await store::for_each_decoded(parts_.store, keys::all_jobs(), decode_job,
                                       [&jobs](Job job) { jobs.push_back(std::move(job)); });
  if (!loaded) co_return loaded;
  base::Status reconciled = co_await reconcile(jobs);
  if (!reconciled) co_return reconciled;
  for (Job& job : jobs) {
    const bool interrupted = job.kind == Job::Kind::kExport || job.kind == Job::Kind::kImport;
    if (!interrupted) {
      begin(std::move(job));
      continue;
    }
    base::Status ended = co_await end_interrupted(std::move(job));
    if (!ended) co_return ended;
  }
  co_return base::Status();
}

// A crash between a table's change and its job's leaves a picture or a filling without a job.
async::Task<base::Status> Backups::reconcile(std::vector<Job> jobs) {
  std::set<std::string> known;
  for (const Job& job : jobs) known.insert(job.id);
  tables::Catalogue& catalogue = parts_.tables.catalogue();
  for (const tables::TablePtr& table : catalogue.all()) {
    const auto definition = table->definition();
    const TableName name{definition->account, definition->region, definition->name};
    const auto is_orphan = [&known](const std::string& id) { return !known.contains(id); };
    if (definition->is_filling() && is_orphan(definition->origin->job)) {
      const auto gone = co_await catalogue.abandon(name);
      if (!gone) co_return std::unexpected(as_error(gone.error()));
      continue;
    }
    if (std::ranges::none_of(definition->pictures, is_orphan)) continue;
    const auto changed = co_await catalogue.change(name, [is_orphan](Definition& edited) {
      std::erase_if(edited.pictures, is_orphan);
      edited.settle_history();
      return std::optional<api::Error>();
    });
    if (!changed) co_return std::unexpected(as_error(changed.error()));
  }
  co_return base::Status();
}

async::Task<base::Status> Backups::end_interrupted(Job job) {
  tables::Catalogue& catalogue = parts_.tables.catalogue();
  const tables::TablePtr target = job.target.name.empty() ? nullptr : catalogue.find(job.target);
  if (target && target->filling() && target->definition()->origin->job == job.id) {
    const auto gone = co_await catalogue.abandon(job.target);
    if (!gone) co_return std::unexpected(as_error(gone.error()));
  }
  base::Status forgotten = co_await forget(std::move(job));
  co_return forgotten;
}

void Backups::start() { async::spawn(parts_.control, gate_, sweep()); }

async::Task<void> Backups::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

void Backups::begin(Job job) { async::spawn(parts_.control, gate_, run(std::move(job))); }

async::Task<void> Backups::run(Job job) {
  co_await async::on(parts_.control);
  ++running_;
  if (!job.backup.empty()) in_use_.insert(job.backup);
  const auto done = co_await work(job);
  // What has failed is taken up again at the next start, as what was stopped.
  if (!done && done.error().code != base::ErrorCode::kCancelled)
    base::log_error("backups: job {} of table {} stopped: {}", job.id,
                    job.source.name.empty() ? job.target.name : job.source.name,
                    done.error().to_string());
  if (!job.backup.empty()) in_use_.erase(in_use_.find(job.backup));
  --running_;
}

async::Task<base::Status> Backups::work(Job& job) {
  if (job.picture) {
    base::Status taken = co_await take_picture(job);
    if (!taken) co_return taken;
  }
  if (job.kind == Job::Kind::kBackup) {
    base::Status finished = co_await finish_backup(job);
    co_return finished;
  }
  base::Status filled = co_await fill(job);
  if (!filled) co_return filled;
  base::Status forgotten = co_await forget(job);
  co_return forgotten;
}

async::Task<base::Status> Backups::take_picture(Job& job) {
  if (job.picture->phase != Picture::Phase::kTaken) {
    const tables::TablePtr table = parts_.tables.catalogue().find(job.picture->table);
    const HistoryPtr history = table ? parts_.histories.find(*table->definition()) : nullptr;
    if (!history)
      co_return base::error(base::ErrorCode::kCorruption, "the table of a picture is gone");
    const Job* const persisted = &job;
    const auto persist = [persisted](const Picture&, store::Batch& batch) {
      batch.put(keys::job(persisted->id), encode_job(*persisted));
    };
    base::Status taken = co_await take(parts_.store, *history, table->definition()->keys,
                                       *job.picture, persist, stop_.get_token());
    if (!taken) co_return taken;
  }
  base::Status released = co_await release(job);
  co_return released;
}

// The source's history is needed no more, not by this job.
async::Task<base::Status> Backups::release(const Job& job) {
  const tables::TablePtr table = parts_.tables.catalogue().find(job.picture->table);
  if (!table) co_return base::Status();
  const auto definition = table->definition();
  if (std::ranges::find(definition->pictures, job.id) == definition->pictures.end())
    co_return base::Status();
  const auto changed = co_await parts_.tables.catalogue().change(
      {definition->account, definition->region, definition->name},
      [id = job.id](Definition& edited) {
        std::erase(edited.pictures, id);
        edited.settle_history();
        return std::optional<api::Error>();
      });
  if (!changed) co_return std::unexpected(as_error(changed.error()));
  co_return base::Status();
}

async::Task<base::Status> Backups::finish_backup(Job& job) {
  const std::string key = keys::one_of('b', job.source.account, job.source.region, job.id);
  const auto row = co_await parts_.store.get(key);
  if (!row) co_return std::unexpected(row.error());
  if (!*row) {  // a crash came before anybody was told of it
    base::Status forgotten = co_await forget(job);
    co_return forgotten;
  }
  auto backup = decode_backup(**row);
  if (!backup) co_return std::unexpected(backup.error());
  backup->status = Backup::Status::kAvailable;
  backup->count = job.picture->count;
  store::Batch batch;
  batch.put(key, encode_backup(*backup));
  batch.erase(keys::job(job.id));
  base::Status stored = co_await parts_.store.commit(std::move(batch));
  co_return stored;
}

async::Task<base::Status> Backups::fill(Job& job) {
  tables::Catalogue& catalogue = parts_.tables.catalogue();
  const tables::TablePtr table = catalogue.find(job.target);
  // Not this job's any more: a crash came after the last step but one, or before the first.
  if (!table || !table->filling() || table->definition()->origin->job != job.id)
    co_return base::Status();
  const std::string to = store::prefix_end(job.items);
  for (;;) {
    if (stop_.stop_requested()) co_return base::error(base::ErrorCode::kCancelled, "stopping");
    const auto rows = co_await parts_.store.scan(job.items + job.cursor, to, {.limit = kFillPage});
    if (!rows) co_return std::unexpected(rows.error());
    if (rows->empty()) break;
    std::vector<NewItem> page;
    for (const store::KeyValue& row : *rows) {
      auto item = tables::decode_item(row.value);
      if (!item) co_return std::unexpected(item.error());
      page.push_back({row.key.substr(job.items.size()), row.value, *std::move(item)});
    }
    job.cursor = page.back().key + '\0';
    store::Batch batch;
    add_items(*table, std::move(page), batch);
    batch.put(keys::job(job.id), encode_job(job));
    const auto stored = co_await parts_.store.commit(std::move(batch));
    if (!stored) co_return stored;
  }
  const auto done = co_await catalogue.fill_done(job.target);
  if (!done) co_return std::unexpected(as_error(done.error()));
  co_return base::Status();
}

async::Task<base::Status> Backups::remember(Job job) {
  store::Batch batch;
  batch.put(keys::job(job.id), encode_job(job));
  base::Status stored = co_await parts_.store.commit(std::move(batch));
  co_return stored;
}

async::Task<base::Status> Backups::forget(Job job) {
  if (job.picture) {
    base::Status released = co_await release(job);
    if (!released) co_return released;
  }
  store::Batch batch;
  batch.erase(keys::job(job.id));
  if (job.picture)
    batch.erase_range(job.picture->prefix(), store::prefix_end(job.picture->prefix()));
  base::Status stored = co_await parts_.store.commit(std::move(batch));
  co_return stored;
}

async::Task<void> Backups::sweep() {
  for (;;) {
    const auto done = co_await forget_expired();
    if (!done) base::log_error("backups: {}", done.error().to_string());
    const bool slept = co_await async::sleep_for(kExpireEvery, stop_.get_token());
    if (!slept) co_return;
  }
}

async::Task<base::Status> Backups::forget_expired() {
  std::vector<Backup> expired;
  const base::Timestamp now = parts_.clock.now();
  base::Status read = co_await store::for_each_decoded(
      parts_.store, "Bb", decode_backup, [&expired, now](Backup backup) {
        if (backup.expires && *backup.expires <= now) expired.push_back(std::move(backup));
      });
  if (!read) co_return read;
  for (const Backup& backup : expired) {
    const auto gone = co_await remove_here(
        {backup.table.account, backup.table.region, backup.table.name, backup.id});
    if (!gone && gone.error().code != "BackupInUseException")
      co_return std::unexpected(as_error(gone.error()));
  }
  co_return base::Status();
}

}  // namespace backups
