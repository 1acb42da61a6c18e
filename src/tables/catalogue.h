#pragma once

// Catalogue: which tables there are, in each account and region. Owned by the server; one. Changes
// run one after the other on the first lane's core and are durable before they are published and
// answered; look-ups are thread-safe and never wait. Deleting a table or an index also removes its
// items; a new global index is filled in the background, taken up again after a restart.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>

#include "async/gate.h"
#include "async/mutex.h"
#include "base/random.h"
#include "tables/writer.h"

namespace tables {

inline constexpr std::size_t kTablesMax = 2500;  // an account and region: AWS's default quota

struct TableName {
  std::string account, region, name;
  auto operator<=>(const TableName&) const = default;
};

using DefinitionPtr = std::shared_ptr<const Definition>;

class Catalogue {
 public:
  struct Settings {
    base::Milliseconds creation_delay{0};  // how long a new table stays CREATING
    ChangeSink* sink = nullptr;            // told of tables and of what they capture
  };

  Catalogue(store::Store& store, Lanes& lanes, Writer& writer, const base::Clock& clock,
            base::Random& random, Settings settings)
      : store_(store),
        lanes_(lanes),
        writer_(writer),
        clock_(clock),
        random_(random),
        settings_(settings) {}

  // Loads what is there. Before anything else, on any core.
  async::Task<base::Status> open();
  // Ends work in the background. Before the Catalogue dies.
  async::Task<void> stop();

  // nullptr: no such table.
  TablePtr find(const TableName& name) const;
  TablePtr find(TableId id) const;
  // As find(), for reading and writing items: a table that is still being created is not there.
  TablePtr find_ready(const TableName& name) const;
  bool is_creating(const Definition& definition) const;
  // The resource policy of a table and its indexes, and that of its latest stream if that has this
  // label. Null: none. Costs next to nothing while no table has one.
  std::shared_ptr<const auth::PolicyDocument> policy_of(const TableName& name) const;
  std::shared_ptr<const auth::PolicyDocument> stream_policy_of(const TableName& name,
                                                               std::string_view label) const;
  // At most `limit` names, in order, above `after`.
  std::vector<std::string> names(std::string_view account, std::string_view region,
                                 std::string_view after, std::size_t limit) const;

  // Takes everything but id, uuid, created and the indexes' ids from `wanted`.
  async::Task<api::Outcome<TablePtr>> create(Definition wanted);
  async::Task<api::Outcome<DefinitionPtr>> remove(TableName name);
  // A table that its job will not fill.
  async::Task<api::Outcome<DefinitionPtr>> abandon(TableName name);
  // Changes a definition; what the function refuses changes nothing. Indexes it adds (id 0) are
  // filled, those it drops are removed. Answers the definition as it is right afterwards.
  using Edit = std::function<std::optional<api::Error>(Definition&)>;
  async::Task<api::Outcome<DefinitionPtr>> change(TableName name, Edit edit);
  // The job has filled the table: everybody may use it.
  async::Task<api::Outcome<DefinitionPtr>> fill_done(TableName name);
  // Every table, in no order. For start.
  std::vector<TablePtr> all() const;

 private:
  async::Task<api::Outcome<DefinitionPtr>> remove_table(TableName name, bool even_filling);
  std::optional<api::Error> keeps_from_removal(const Table& table, bool even_filling) const;
  async::Task<base::Result<DefinitionPtr>> erase_table(TablePtr table);
  async::Task<base::Status> load_tables();
  async::Task<base::Status> load_counts(TablePtr table);
  async::Task<base::Status> drop_leftovers(TablePtr table);
  async::Task<api::Outcome<DefinitionPtr>> change_locked(const TableName& name, const Edit& edit);
  // With what the sink adds; the caller tells it afterwards that this is durable.
  async::Task<base::Status> persist(const Definition* before, const Definition& definition);
  void tell_redefined(const Definition* before, const Definition* after);
  void note_policies(const Definition& definition);
  async::Task<base::Status> drop_index(TablePtr table, IndexId index);
  async::Task<void> fill_index(TablePtr table, IndexId index);
  async::Task<void> fill_expiries(TablePtr table);
  // For every item there is: its entry in the index, or (nullopt) when it ends.
  async::Task<base::Status> fill_entries(TablePtr table, std::optional<IndexId> index);

  store::Store& store_;
  Lanes& lanes_;
  Writer& writer_;
  const base::Clock& clock_;
  base::Random& random_;
  const Settings settings_;

  async::Mutex changing_;
  async::Gate background_;
  std::stop_source stop_;
  std::atomic<bool> any_policy_ = false;  // some table has or had one since the start
  mutable std::mutex mutex_;              // tables_
  std::map<TableName, TablePtr> tables_;
  std::uint32_t next_table_ = 1;  // on the first lane's core
};

// ResourceNotFoundException as the operations on tables word it.
api::Error no_such_table(std::string_view name);

}  // namespace tables
