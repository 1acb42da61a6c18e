#pragma once

// Backups: takes backups of tables, keeps and finds them, and restores tables from them or to a
// moment of their past. Owned by the server; one. open() after the tables', before anything is
// served; stop() before the tables stop. Thread-safe: its state lives on the control core, where
// every call goes.
//
// What is answered is durable. Work goes on in the background and survives a crash (job.h). A table
// that is restored is CREATING until the last of its items is there, and nobody reads or writes it.
// A table of which a picture is taken cannot be deleted until that is done.

#include <set>
#include <stop_token>

#include "async/gate.h"
#include "async/mutex.h"
#include "backups/backup.h"
#include "backups/job.h"
#include "tables/tables.h"

namespace backups {

// At the same time, in all accounts: AWS's quota of control plane operations.
inline constexpr std::size_t kJobsMax = 50;
inline constexpr std::chrono::minutes kExpireEvery{10};

struct Parts {
  store::Store& store;
  async::Core& control;
  tables::Tables& tables;
  Histories& histories;
  const base::Clock& clock;
  base::Random& random;
};

struct BackupFilter {
  std::string table;  // empty: any
  std::optional<Backup::Type> type;
  std::optional<base::Timestamp> from;   // inclusive
  std::optional<base::Timestamp> until;  // exclusive
  std::string after;                     // an id
};

struct BackupPage {
  std::vector<Backup> backups;  // by id, so by time
  bool more = false;
};

// The times to which a table can be restored, whole seconds; nullopt: none.
struct Window {
  base::Timestamp earliest, latest;
};
std::optional<Window> window_of(const tables::Definition& table, base::Timestamp now);

class Backups {
 public:
  explicit Backups(const Parts& parts) : parts_(parts) {}

  // Takes up what a crash has interrupted.
  async::Task<base::Status> open();
  void start();
  async::Task<void> stop();

  // The table is as it was at a moment during the call. Errors: the catalogue's;
  // LimitExceededException.
  async::Task<api::Outcome<Backup>> create(tables::TableName table, std::string name);
  async::Task<base::Result<std::optional<Backup>>> find(PartArn arn);
  async::Task<base::Result<BackupPage>> list(std::string account, std::string region,
                                             BackupFilter filter, std::size_t limit);
  // Answers what is gone. Errors: BackupNotFoundException, BackupInUseException.
  async::Task<api::Outcome<Backup>> remove(PartArn arn);

  // Makes the table (see restored()) and fills it in the background. Errors: the catalogue's,
  // BackupNotFoundException, BackupInUseException, LimitExceededException.
  async::Task<api::Outcome<tables::TablePtr>> restore(PartArn arn, tables::Definition target);
  // `time` lies within the source's window.
  async::Task<api::Outcome<tables::TablePtr>> restore_to(tables::TableName source,
                                                         base::Timestamp time,
                                                         tables::Definition target);

  // --- for exports and imports: a job whose fate is theirs. On the control core. ---
  // As the table was right after `time`, or as it is.
  async::Task<api::Outcome<Job>> begin_picture(tables::TableName source,
                                               std::optional<base::Timestamp> time, Job job);
  async::Task<base::Status> take_picture(Job& job);
  // Persists a job that has no picture.
  async::Task<base::Status> remember(Job job);
  // With its picture.
  async::Task<base::Status> forget(Job job);
  const Parts& parts() const { return parts_; }

 private:
  async::Task<api::Outcome<Backup>> create_here(tables::TableName table, std::string name);
  async::Task<api::Outcome<Backup>> remove_here(PartArn arn);
  async::Task<api::Outcome<tables::TablePtr>> restore_here(PartArn arn, tables::Definition target);
  async::Task<api::Outcome<tables::TablePtr>> restore_to_here(tables::TableName source,
                                                              base::Timestamp time,
                                                              tables::Definition target);
  async::Task<api::Outcome<tables::TablePtr>> make_target(Job job, tables::Definition target);

  // jobs.cc
  async::Task<base::Status> load_jobs();
  async::Task<base::Status> reconcile(std::vector<Job> jobs);
  async::Task<base::Status> end_interrupted(Job job);
  void begin(Job job);
  async::Task<void> run(Job job);
  async::Task<base::Status> work(Job& job);
  async::Task<base::Status> release(const Job& job);
  async::Task<base::Status> finish_backup(Job& job);
  async::Task<base::Status> fill(Job& job);
  async::Task<base::Status> forget_expired();
  async::Task<void> sweep();

  const Parts parts_;
  async::Mutex changing_;
  async::Gate gate_;
  std::stop_source stop_;
  // On the control core:
  std::size_t running_ = 0;
  std::multiset<std::string> in_use_;  // keys of backups that are being restored
};

// The table that a restore makes: keys, indexes and capacity of the source; no tags, streams, time
// to live or recovery, as on AWS.
tables::Definition restored(const tables::Definition& source, tables::TableName target);

}  // namespace backups
