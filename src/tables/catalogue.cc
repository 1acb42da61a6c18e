#include "tables/catalogue.h"

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "base/encoding.h"
#include "base/log.h"
#include "store/for_each.h"

namespace tables {

namespace {

constexpr std::size_t kFillPage = 200;

api::Error internal(const base::Error& error) {
  base::log_error("tables: {}", error.to_string());
  return api::internal_failure();
}

TableName name_of(const Definition& definition) {
  return {definition.account, definition.region, definition.name};
}

}  // namespace

api::Error no_such_table(std::string_view name) {
  return api::dynamodb::resource_not_found(
      "Requested resource not found: Table: " + std::string(name) + " not found");
}

async::Task<base::Status> Catalogue::open() {
  auto next = co_await store_.get(keys::next_table());
  if (!next) co_return std::unexpected(std::move(next).error());
  if (*next && (*next)->size() == 4) next_table_ = base::read_u32(**next);
  base::Status loaded = co_await load_tables();
  if (!loaded) co_return loaded;
  std::vector<TablePtr> all;
  for (const auto& [name, table] : tables_) all.push_back(table);
  for (const TablePtr& table : all) {
    base::Status counted = co_await load_counts(table);
    if (!counted) co_return counted;
    base::Status cleaned = co_await drop_leftovers(table);
    if (!cleaned) co_return cleaned;
    const auto definition = table->definition();
    if (definition->time_to_live.enabled && !definition->time_to_live.filled)
      async::spawn(*lanes_.at(0).core, background_, fill_expiries(table));
    for (const Index& index : definition->indexes) {
      if (index.state == Index::State::kCreating)
        async::spawn(*lanes_.at(0).core, background_, fill_index(table, index.id));
    }
  }
  co_return base::Status();
}

async::Task<base::Status> Catalogue::load_tables() {
  return store::for_each_decoded(
      store_, keys::all_definitions(), decode_definition, [this](Definition definition) {
        auto shared = std::make_shared<const Definition>(std::move(definition));
        note_policies(*shared);
        const std::lock_guard lock(mutex_);
        tables_[name_of(*shared)] = std::make_shared<Table>(shared, lanes_.counters());
      });
}

async::Task<base::Status> Catalogue::load_counts(TablePtr table) {
  const std::string from = keys::all_counts(table->id());
  auto rows = co_await store_.scan(from, store::prefix_end(from), {.limit = 1U << 16U});
  if (!rows) co_return std::unexpected(std::move(rows).error());
  for (const store::KeyValue& row : *rows) {
    auto counts = decode_counts(row.value);
    if (!counts) co_return std::unexpected(std::move(counts).error());
    table->add_counts(base::read_u16(std::string_view(row.key).substr(from.size())), *counts);
  }
  co_return base::Status();
}

// Entries of indexes whose removal a crash interrupted.
async::Task<base::Status> Catalogue::drop_leftovers(TablePtr table) {
  const auto definition = table->definition();
  for (std::uint16_t id = 1; id < definition->next_index.value(); ++id) {
    if (std::ranges::find(definition->indexes, IndexId(id), &Index::id) !=
        definition->indexes.end())
      continue;
    const std::string from = keys::entries(table->id(), IndexId(id));
    auto some = co_await store_.scan(from, store::prefix_end(from), {.limit = 1});
    if (!some) co_return std::unexpected(std::move(some).error());
    if (some->empty()) continue;
    base::Status dropped = co_await drop_index(table, IndexId(id));
    if (!dropped) co_return dropped;
  }
  co_return base::Status();
}

async::Task<void> Catalogue::stop() {
  stop_.request_stop();
  co_await background_.close();
}

TablePtr Catalogue::find(const TableName& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second;
}

TablePtr Catalogue::find(TableId id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, table] : tables_) {
    if (table->id() == id) return table;
  }
  return nullptr;
}

TablePtr Catalogue::find_ready(const TableName& name) const {
  TablePtr table = find(name);
  if (!table || table->filling()) return nullptr;
  if (settings_.creation_delay.count() > 0 && is_creating(*table->definition())) return nullptr;
  return table;
}

std::shared_ptr<const auth::PolicyDocument> Catalogue::policy_of(const TableName& name) const {
  if (!any_policy_) return nullptr;
  const TablePtr table = find(name);
  return table ? table->definition()->policy.parsed : nullptr;
}

std::shared_ptr<const auth::PolicyDocument> Catalogue::stream_policy_of(
    const TableName& name, std::string_view label) const {
  if (!any_policy_) return nullptr;
  const TablePtr table = find(name);
  if (!table) return nullptr;
  const DefinitionPtr definition = table->definition();
  if (!definition->stream || label_of(*definition->stream) != label) return nullptr;
  return definition->stream_policy.parsed;
}

void Catalogue::note_policies(const Definition& definition) {
  if (!definition.policy.empty() || !definition.stream_policy.empty()) any_policy_ = true;
}

bool Catalogue::is_creating(const Definition& definition) const {
  return definition.is_filling() || clock_.now() < definition.created + settings_.creation_delay;
}

std::vector<std::string> Catalogue::names(std::string_view account, std::string_view region,
                                          std::string_view after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (auto at =
           tables_.upper_bound({std::string(account), std::string(region), std::string(after)});
       at != tables_.end() && found.size() < limit; ++at) {
    if (at->first.account != account || at->first.region != region) break;
    found.push_back(at->first.name);
  }
  return found;
}

async::Task<api::Outcome<TablePtr>> Catalogue::create(Definition wanted) {
  async::Core* const home = async::Core::current();
  co_await async::on(*lanes_.at(0).core);
  api::Outcome<TablePtr> result = std::unexpected(api::Error());
  {
    const auto lock = co_await changing_.lock();
    const TableName name = name_of(wanted);
    if (find(name)) {
      result =
          std::unexpected(api::dynamodb::resource_in_use("Table already exists: " + wanted.name));
    } else if (names(wanted.account, wanted.region, "", kTablesMax).size() >= kTablesMax) {
      result = std::unexpected(
          api::dynamodb::limit_exceeded("Subscriber limit exceeded: The number of tables in the "
                                        "account has reached its limit of " +
                                        std::to_string(kTablesMax)));
    } else {
      wanted.id = TableId(next_table_++);
      wanted.uuid = base::uuid(random_);
      wanted.created = clock_.now();
      for (Index& index : wanted.indexes) {
        index.id = wanted.next_index;
        wanted.next_index = IndexId(static_cast<std::uint16_t>(index.id.value() + 1));
      }
      make_captures(wanted, wanted.created);
      auto definition = std::make_shared<const Definition>(std::move(wanted));
      const auto stored = co_await persist(nullptr, *definition);
      if (stored) {
        tell_redefined(nullptr, definition.get());
        note_policies(*definition);
        auto table = std::make_shared<Table>(definition, lanes_.counters());
        const std::lock_guard guard(mutex_);
        tables_[name] = table;
        result = std::move(table);
      } else {
        result = std::unexpected(internal(stored.error()));
      }
    }
  }
  if (home != nullptr) co_await async::on(*home);
  co_return result;
}

async::Task<base::Status> Catalogue::persist(const Definition* before,
                                             const Definition& definition) {
  store::Batch batch;
  std::string next;
  base::append_u32(next, next_table_);
  batch.put(keys::next_table(), std::move(next));
  batch.put(keys::definition(definition.account, definition.region, definition.name),
            encode_definition(definition));
  if (settings_.sink != nullptr) settings_.sink->redefine(before, &definition, batch);
  base::Status stored = co_await store_.commit(std::move(batch));
  co_return stored;
}

void Catalogue::tell_redefined(const Definition* before, const Definition* after) {
  if (settings_.sink != nullptr) settings_.sink->redefined(before, after);
}

async::Task<api::Outcome<DefinitionPtr>> Catalogue::remove(TableName name) {
  return remove_table(std::move(name), false);
}

async::Task<api::Outcome<DefinitionPtr>> Catalogue::abandon(TableName name) {
  return remove_table(std::move(name), true);
}

std::optional<api::Error> Catalogue::keeps_from_removal(const Table& table,
                                                        bool even_filling) const {
  const auto definition = table.definition();
  const auto in_use = [&](std::string_view how) {
    return api::dynamodb::resource_in_use(
        "Attempt to change a resource which is still in use: Table is being " + std::string(how) +
        ": " + definition->name);
  };
  if (definition->deletion_protection)
    return validation(
        "Resource cannot be deleted as it is currently protected against deletion. Disable "
        "deletion protection first.");
  if (is_creating(*definition) && !even_filling) return in_use("created");
  if (!definition->pictures.empty()) return in_use("backed up");
  return std::nullopt;
}

async::Task<api::Outcome<DefinitionPtr>> Catalogue::remove_table(TableName name,
                                                                 bool even_filling) {
  async::Core* const home = async::Core::current();
  co_await async::on(*lanes_.at(0).core);
  api::Outcome<DefinitionPtr> result = std::unexpected(no_such_table(name.name));
  {
    const auto lock = co_await changing_.lock();
    if (const TablePtr table = find(name)) {
      if (auto kept = keeps_from_removal(*table, even_filling)) {
        result = std::unexpected(*std::move(kept));
      } else {
        auto erased = co_await erase_table(table);
        if (erased) result = *std::move(erased);
        else result = std::unexpected(internal(erased.error()));
      }
    }
  }
  if (home != nullptr) co_await async::on(*home);
  co_return result;
}

async::Task<base::Result<DefinitionPtr>> Catalogue::erase_table(TablePtr table) {
  const DefinitionPtr last = table->definition();
  {
    const std::lock_guard guard(mutex_);
    tables_.erase(name_of(*last));
  }
  table->drop();
  co_await writer_.drain();
  const TableId id = table->id();
  store::Batch batch;
  batch.erase(keys::definition(last->account, last->region, last->name));
  std::vector<std::string> prefixes = {keys::all_entries(id), keys::all_counts(id)};
  const bool kept = last->point_in_time.enabled && settings_.sink != nullptr;
  if (!kept) prefixes.push_back(keys::items(id));
  for (const std::string& from : prefixes) batch.erase_range(from, store::prefix_end(from));
  if (settings_.sink != nullptr) {
    settings_.sink->removing(*table, batch);
    settings_.sink->redefine(last.get(), nullptr, batch);
  }
  const auto stored = co_await store_.commit(std::move(batch));
  if (!stored) co_return std::unexpected(stored.error());
  tell_redefined(last.get(), nullptr);
  co_return last;
}

async::Task<api::Outcome<DefinitionPtr>> Catalogue::change(TableName name, Edit edit) {
  async::Core* const home = async::Core::current();
  co_await async::on(*lanes_.at(0).core);
  api::Outcome<DefinitionPtr> result = std::unexpected(api::Error());
  {
    const auto lock = co_await changing_.lock();
    const TablePtr table = find(name);
    if (table && table->filling())
      result = std::unexpected(api::dynamodb::resource_in_use(
          "Attempt to change a resource which is still in use: Table is being created: " +
          name.name));
    else result = co_await change_locked(name, edit);
  }
  if (home != nullptr) co_await async::on(*home);
  co_return result;
}

async::Task<api::Outcome<DefinitionPtr>> Catalogue::fill_done(TableName name) {
  async::Core* const home = async::Core::current();
  co_await async::on(*lanes_.at(0).core);
  api::Outcome<DefinitionPtr> result = std::unexpected(api::Error());
  {
    const auto lock = co_await changing_.lock();
    result = co_await change_locked(name, [](Definition& edited) {
      if (edited.origin) edited.origin->filling = false;
      return std::optional<api::Error>();
    });
  }
  if (home != nullptr) co_await async::on(*home);
  co_return result;
}

std::vector<TablePtr> Catalogue::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<TablePtr> found;
  for (const auto& [name, table] : tables_) found.push_back(table);
  return found;
}

async::Task<api::Outcome<DefinitionPtr>> Catalogue::change_locked(const TableName& name,
                                                                  const Edit& edit) {
  const TablePtr table = find(name);
  if (!table) co_return std::unexpected(no_such_table(name.name));
  const DefinitionPtr before = table->definition();
  Definition edited = *before;
  if (auto wrong = edit(edited)) co_return std::unexpected(*std::move(wrong));
  std::vector<IndexId> added, dropped;
  for (Index& index : edited.indexes) {
    if (index.id != IndexId()) continue;
    index.id = edited.next_index;
    index.state = Index::State::kCreating;
    edited.next_index = IndexId(static_cast<std::uint16_t>(index.id.value() + 1));
    added.push_back(index.id);
  }
  for (const Index& index : before->indexes) {
    if (std::ranges::find(edited.indexes, index.id, &Index::id) == edited.indexes.end())
      dropped.push_back(index.id);
  }
  make_captures(edited, clock_.now());
  const auto after = std::make_shared<const Definition>(std::move(edited));
  const auto stored = co_await persist(before.get(), *after);
  if (!stored) co_return std::unexpected(internal(stored.error()));
  note_policies(*after);
  table->publish(after);
  const bool recaptured = before->stream != after->stream || before->feed != after->feed ||
                          before->history != after->history;
  if (!dropped.empty() || recaptured) co_await writer_.drain();
  tell_redefined(before.get(), after.get());
  for (const IndexId index : dropped) {
    const auto gone = co_await drop_index(table, index);
    if (!gone) co_return std::unexpected(internal(gone.error()));
  }
  if (after->time_to_live.enabled && !before->time_to_live.enabled)
    async::spawn(*lanes_.at(0).core, background_, fill_expiries(table));
  for (const IndexId index : added)
    async::spawn(*lanes_.at(0).core, background_, fill_index(table, index));
  co_return after;
}

async::Task<base::Status> Catalogue::drop_index(TablePtr table, IndexId index) {
  table->forget(index);
  store::Batch batch;
  const std::string from = keys::entries(table->id(), index);
  batch.erase_range(from, store::prefix_end(from));
  base::Status stored = co_await store_.commit(std::move(batch));
  co_return stored;
}

async::Task<void> Catalogue::fill_index(TablePtr table, IndexId index) {
  const auto filled = co_await fill_entries(table, index);
  if (!filled) {
    // Stays CREATING; taken up again at the next start.
    base::log_error("tables: filling an index of {} stopped: {}", table->definition()->name,
                    filled.error().to_string());
    co_return;
  }
  if (stop_.stop_requested() || table->dropped()) co_return;
  const auto definition = table->definition();
  auto changed = co_await change(name_of(*definition), [index](Definition& edited) {
    const auto found = std::ranges::find(edited.indexes, index, &Index::id);
    if (found != edited.indexes.end()) found->state = Index::State::kActive;
    return std::optional<api::Error>();
  });
  if (!changed && !table->dropped())
    base::log_error("tables: an index of {} is filled but not active: {}", definition->name,
                    changed.error().message);
}

async::Task<void> Catalogue::fill_expiries(TablePtr table) {
  const auto filled = co_await fill_entries(table, std::nullopt);
  if (!filled) {
    base::log_error("tables: reading when the items of {} end stopped: {}",
                    table->definition()->name, filled.error().to_string());
    co_return;
  }
  if (stop_.stop_requested() || table->dropped()) co_return;
  const auto changed = co_await change(name_of(*table->definition()), [](Definition& edited) {
    edited.time_to_live.filled = edited.time_to_live.enabled;
    return std::optional<api::Error>();
  });
  if (!changed && !table->dropped())
    base::log_error("tables: time to live of {}: {}", table->definition()->name,
                    changed.error().message);
}

async::Task<base::Status> Catalogue::fill_entries(TablePtr table, std::optional<IndexId> index) {
  // From here on every write keeps the index; what was there before is read now.
  co_await writer_.drain();
  async::Core& core = *lanes_.at(0).core;
  std::string from = keys::items(table->id());
  const std::string to = store::prefix_end(from);
  while (!stop_.stop_requested() && !table->dropped()) {
    co_await async::on(core);
    auto page = co_await store_.scan(from, to, {.limit = kFillPage});
    if (!page) co_return std::unexpected(std::move(page).error());
    if (page->empty()) break;
    for (const store::KeyValue& entry : *page) {
      auto filling = index ? writer_.backfill(table, *index, entry.key)
                           : writer_.note_expiry(table, entry.key);
      const auto done = co_await std::move(filling);
      if (!done) co_return done;
    }
    from = page->back().key + '\0';
    co_await async::yield();
  }
  co_await async::on(core);
  const auto settled = co_await store_.durable(store_.applied());
  co_return settled;
}

}  // namespace tables
