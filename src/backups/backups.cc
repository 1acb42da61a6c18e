#include "backups/backups.h"

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "backups/keys.h"
#include "base/log.h"

namespace backups {

namespace {

using tables::Definition;
using tables::TableName;

api::Error internal(const base::Error& error) {
  base::log_error("backups: {}", error.to_string());
  return api::internal_failure();
}

api::Error not_found(const PartArn& arn) {
  return api::dynamodb::backup_not_found(
      "Backup not found: " + tables::table_arn(arn.account, arn.region, arn.table) + "/backup/" +
      arn.id);
}

api::Error in_use(const Backup& backup, std::string_view how) {
  return api::dynamodb::backup_in_use("Backup is being " + std::string(how) + ": " + backup.arn());
}

api::Error too_many() {
  return api::dynamodb::limit_exceeded(
      "Subscriber limit exceeded: There are too many backups, restores, exports and imports under "
      "way; the limit is " +
      std::to_string(kJobsMax));
}

base::Timestamp whole_second_down(base::Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}
base::Timestamp whole_second_up(base::Timestamp time) {
  return std::chrono::ceil<std::chrono::seconds>(time);
}

bool fits(const Backup& backup, const BackupFilter& filter) {
  if (!filter.table.empty() && backup.table.name != filter.table) return false;
  if (filter.type && backup.type != *filter.type) return false;
  if (filter.from && backup.created < *filter.from) return false;
  return !filter.until || backup.created < *filter.until;
}

}  // namespace

std::optional<Window> window_of(const Definition& table, base::Timestamp now) {
  const tables::PointInTime& setting = table.point_in_time;
  if (!setting.enabled) return std::nullopt;
  Window made;
  made.earliest =
      whole_second_up(std::max(setting.since, now - std::chrono::hours(24 * setting.days)));
  made.latest = std::max(made.earliest, whole_second_down(now));
  return made;
}

Definition restored(const Definition& source, TableName target) {
  Definition made;
  made.account = std::move(target.account);
  made.region = std::move(target.region);
  made.name = std::move(target.name);
  made.keys = source.keys;
  made.attributes = source.attributes;
  for (tables::Index index : source.indexes) {
    index.id = tables::IndexId();
    index.state = tables::Index::State::kActive;
    index.throughput = {.read = index.throughput.read, .write = index.throughput.write};
    index.warm = {};
    index.insights = {};
    made.indexes.push_back(std::move(index));
  }
  made.on_demand = source.on_demand;
  made.throughput = {.read = source.throughput.read, .write = source.throughput.write};
  made.maxima = source.maxima;
  made.encryption = source.encryption;
  made.table_class = source.table_class;
  return made;
}

async::Task<api::Outcome<Backup>> Backups::create(TableName table, std::string name) {
  return async::run_on(parts_.control, create_here(std::move(table), std::move(name)));
}

async::Task<api::Outcome<Job>> Backups::begin_picture(TableName source,
                                                      std::optional<base::Timestamp> time,
                                                      Job job) {
  if (running_ >= kJobsMax) co_return std::unexpected(too_many());
  auto changed = co_await parts_.tables.catalogue().change(
      source, [id = job.id](Definition& edited) -> std::optional<api::Error> {
        edited.pictures.push_back(id);
        edited.settle_history();
        return std::nullopt;
      });
  if (!changed) co_return std::unexpected(std::move(changed).error());
  const HistoryPtr history = parts_.histories.find(**changed);
  CHECK(history != nullptr);
  job.source = std::move(source);
  Picture& picture = job.picture.emplace();
  picture.id = job.id;
  picture.table = (*changed)->id;
  picture.cut = history->cut();
  if (time) {
    const auto cut = co_await history->position_after(*time);
    if (!cut) co_return std::unexpected(internal(cut.error()));
    picture.cut = *cut;
  }
  store::Batch batch;
  batch.put(keys::job(job.id), encode_job(job));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) co_return std::unexpected(internal(stored.error()));
  co_return job;
}

async::Task<api::Outcome<Backup>> Backups::create_here(TableName table, std::string name) {
  const base::Timestamp now = parts_.clock.now();
  Job wanted;
  wanted.id = new_id(now, parts_.random);
  wanted.kind = Job::Kind::kBackup;
  auto job = co_await begin_picture(table, std::nullopt, std::move(wanted));
  if (!job) co_return std::unexpected(std::move(job).error());
  const auto there = parts_.tables.catalogue().find(job->picture->table);
  CHECK(there != nullptr);  // it cannot be deleted now
  Backup backup;
  backup.id = job->id;
  backup.name = std::move(name);
  backup.table = *there->definition();
  backup.created = now;
  backup.items = job->picture->prefix();
  // What it holds is told when it is known; until then, what the table says.
  const auto counts = there->counts();
  if (const auto whole = counts.find(tables::IndexId(0)); whole != counts.end())
    backup.count = whole->second;
  store::Batch batch;
  batch.put(keys::backup(backup), encode_backup(backup));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) co_return std::unexpected(internal(stored.error()));
  begin(*std::move(job));
  co_return backup;
}

async::Task<base::Result<std::optional<Backup>>> Backups::find(PartArn arn) {
  const auto row = co_await parts_.store.get(keys::one_of('b', arn.account, arn.region, arn.id));
  if (!row) co_return std::unexpected(row.error());
  const auto durable = co_await parts_.store.durable(parts_.store.applied());
  if (!durable) co_return std::unexpected(durable.error());
  if (!*row) co_return std::optional<Backup>();
  auto backup = decode_backup(**row);
  if (!backup) co_return std::unexpected(backup.error());
  if (backup->table.name != arn.table) co_return std::optional<Backup>();
  co_return std::optional<Backup>(*std::move(backup));
}

async::Task<base::Result<BackupPage>> Backups::list(std::string account, std::string region,
                                                    BackupFilter filter, std::size_t limit) {
  const std::string prefix = keys::all_of('b', account, region);
  const std::string to = store::prefix_end(prefix);
  std::string from = filter.after.empty() ? prefix : prefix + filter.after + '\0';
  BackupPage found;
  for (;;) {
    const auto rows = co_await parts_.store.scan(from, to, {.limit = 200});
    if (!rows) co_return std::unexpected(rows.error());
    const auto durable = co_await parts_.store.durable(parts_.store.applied());
    if (!durable) co_return std::unexpected(durable.error());
    for (const store::KeyValue& row : *rows) {
      auto backup = decode_backup(row.value);
      if (!backup) co_return std::unexpected(backup.error());
      if (!fits(*backup, filter)) continue;
      if (found.backups.size() == limit) {
        found.more = true;
        co_return found;
      }
      found.backups.push_back(*std::move(backup));
    }
    if (rows->empty()) co_return found;
    from = rows->back().key + '\0';
  }
}

async::Task<api::Outcome<Backup>> Backups::remove(PartArn arn) {
  return async::run_on(parts_.control, remove_here(std::move(arn)));
}

async::Task<api::Outcome<Backup>> Backups::remove_here(PartArn arn) {
  const auto lock = co_await changing_.lock();
  const auto backup = co_await find(arn);
  if (!backup) co_return std::unexpected(internal(backup.error()));
  if (!*backup) co_return std::unexpected(not_found(arn));
  if ((*backup)->status == Backup::Status::kCreating)
    co_return std::unexpected(in_use(**backup, "created"));
  if (in_use_.contains(keys::backup(**backup)))
    co_return std::unexpected(in_use(**backup, "used to restore table"));
  store::Batch batch;
  batch.erase(keys::backup(**backup));
  batch.erase_range((*backup)->items, store::prefix_end((*backup)->items));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) co_return std::unexpected(internal(stored.error()));
  co_return **backup;
}

async::Task<api::Outcome<tables::TablePtr>> Backups::restore(PartArn arn, Definition target) {
  return async::run_on(parts_.control, restore_here(std::move(arn), std::move(target)));
}

async::Task<api::Outcome<tables::TablePtr>> Backups::restore_here(PartArn arn, Definition target) {
  const auto lock = co_await changing_.lock();
  const auto backup = co_await find(arn);
  if (!backup) co_return std::unexpected(internal(backup.error()));
  if (!*backup) co_return std::unexpected(not_found(arn));
  if ((*backup)->status == Backup::Status::kCreating)
    co_return std::unexpected(in_use(**backup, "created"));
  if (in_use_.contains(keys::backup(**backup)))
    co_return std::unexpected(in_use(**backup, "used to restore another table"));
  if (running_ >= kJobsMax) co_return std::unexpected(too_many());
  Job job;
  job.id = new_id(parts_.clock.now(), parts_.random);
  job.kind = Job::Kind::kRestore;
  job.items = (*backup)->items;
  job.backup = keys::backup(**backup);
  tables::Origin& origin = target.origin.emplace();
  origin.backup_arn = (*backup)->arn();
  origin.table_arn = (*backup)->table.arn();
  origin.time = (*backup)->created;
  auto made = co_await make_target(std::move(job), std::move(target));
  co_return made;
}

async::Task<api::Outcome<tables::TablePtr>> Backups::restore_to(TableName source,
                                                                base::Timestamp time,
                                                                Definition target) {
  return async::run_on(parts_.control, restore_to_here(std::move(source), time, std::move(target)));
}

async::Task<api::Outcome<tables::TablePtr>> Backups::restore_to_here(TableName source,
                                                                     base::Timestamp time,
                                                                     Definition target) {
  Job wanted;
  wanted.id = new_id(parts_.clock.now(), parts_.random);
  wanted.kind = Job::Kind::kRestore;
  auto job = co_await begin_picture(source, time, std::move(wanted));
  if (!job) co_return std::unexpected(std::move(job).error());
  job->items = job->picture->prefix();
  tables::Origin& origin = target.origin.emplace();
  origin.table_arn = tables::table_arn(source.account, source.region, source.name);
  origin.time = time;
  auto made = co_await make_target(*job, std::move(target));
  if (!made) {
    const auto forgotten = co_await forget(*std::move(job));
    if (!forgotten) base::log_error("backups: {}", forgotten.error().to_string());
  }
  co_return made;
}

// The job is there before its table: a table that is being filled has one after any crash.
async::Task<api::Outcome<tables::TablePtr>> Backups::make_target(Job job, Definition target) {
  target.origin->job = job.id;
  job.target = {target.account, target.region, target.name};
  store::Batch batch;
  batch.put(keys::job(job.id), encode_job(job));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) co_return std::unexpected(internal(stored.error()));
  auto made = co_await parts_.tables.catalogue().create(std::move(target));
  if (!made) {
    store::Batch taken_back;
    taken_back.erase(keys::job(job.id));
    const auto gone = co_await parts_.store.commit(std::move(taken_back));
    if (!gone) base::log_error("backups: {}", gone.error().to_string());
    co_return made;
  }
  begin(std::move(job));
  co_return made;
}

}  // namespace backups
