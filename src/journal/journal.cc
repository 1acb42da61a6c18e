// The catalogue of groups: making, changing and removing them.
#include "journal/journal.h"

#include "base/encoding.h"
#include "journal/keys.h"
#include "store/for_each.h"

namespace journal {
namespace {

auto no_group(const GroupKey& key) {
  return base::error(base::ErrorCode::kNotFound, "no log group " + key.arn());
}

std::string encode_tally(std::uint64_t stored_bytes, std::uint64_t last_order) {
  std::string bytes(1, '\1');
  base::append_u64(bytes, stored_bytes);
  base::append_u64(bytes, last_order);
  return bytes;
}

async::Task<base::Result<GroupPtr>> load_group(store::Store& store, GroupInfo info) {
  const auto tally = co_await store.get(keys::part(keys::Part::kTally, info.id));
  if (!tally) co_return std::unexpected(tally.error());
  if (!tally->has_value() || (*tally)->size() != 17 || (**tally)[0] != '\1')
    co_return base::error(base::ErrorCode::kCorruption, "the tally of " + info.key.arn());
  auto state = std::make_shared<GroupState>();
  state->stored_bytes = base::read_u64(std::string_view(**tally).substr(1));
  state->last_order = base::read_u64(std::string_view(**tally).substr(9));
  co_return std::make_shared<const Group>(Group{std::move(info), std::move(state)});
}

}  // namespace

Journal::Journal(store::Store& store, async::Core& control, const base::Clock& clock)
    : store_(store), control_(control), clock_(clock) {}

async::Task<base::Status> Journal::open() {
  const auto next = co_await store_.get(std::string(keys::kNextId));
  if (!next) co_return std::unexpected(next.error());
  if (next->has_value() && (*next)->size() == 8) next_id_ = base::read_u64(**next);

  std::vector<GroupInfo> infos;
  const base::Status read = co_await store::for_each_decoded(
      store_, std::string(keys::kGroups), decode_group,
      [&infos](GroupInfo info) { infos.push_back(std::move(info)); });
  if (!read) co_return read;
  Groups groups;
  for (GroupInfo& info : infos) {
    const auto group = co_await load_group(store_, std::move(info));
    if (!group) co_return std::unexpected(group.error());
    groups.emplace((*group)->info.key, *group);
  }
  groups_.set(std::move(groups));
  co_return base::Status();
}

GroupPtr Journal::find(const GroupKey& key) const {
  const auto groups = groups_.get();
  const auto found = groups->find(key);
  return found == groups->end() ? nullptr : found->second;
}

std::vector<GroupPtr> Journal::list(const std::string& account_id,
                                    const std::string& region) const {
  std::vector<GroupPtr> found;
  const auto groups = groups_.get();
  for (auto at = groups->lower_bound({account_id, region, ""}); at != groups->end(); ++at) {
    if (at->first.account_id != account_id || at->first.region != region) break;
    found.push_back(at->second);
  }
  return found;
}

void Journal::publish(const GroupKey& key, GroupPtr group) {
  Groups groups = *groups_.get();
  if (group) groups[key] = std::move(group);
  else groups.erase(key);
  groups_.set(std::move(groups));
}

// Taken and submitted without awaiting in between, so that what is stored never runs backwards.
std::uint64_t Journal::new_id(store::Batch& batch) {
  const std::uint64_t id = next_id_++;
  std::string next;
  base::append_u64(next, next_id_);
  batch.put(std::string(keys::kNextId), std::move(next));
  return id;
}

void Journal::put_tally(store::Batch& batch, const Group& group) const {
  batch.put(keys::part(keys::Part::kTally, group.info.id),
            encode_tally(group.state->stored_bytes, group.state->last_order));
}

async::Task<base::Status> Journal::seen_is_durable() const {
  return store_.durable(store_.applied());
}

async::Task<base::Result<GroupPtr>> Journal::create_group(GroupKey key, GroupOptions options) {
  return async::run_on(control_, create_group_here(std::move(key), std::move(options)));
}

async::Task<base::Result<GroupPtr>> Journal::create_group_here(GroupKey key, GroupOptions options) {
  const auto lock = co_await changing_.lock();
  if (find(key)) co_return base::error(base::ErrorCode::kAlreadyExists, "group " + key.arn());
  if (groups_.get()->size() >= kGroupsMax)
    co_return base::error(base::ErrorCode::kLimit, "too many log groups");
  store::Batch batch;
  auto group = std::make_shared<Group>();
  group->state = std::make_shared<GroupState>();
  group->info = {.key = std::move(key),
                 .id = new_id(batch),
                 .created = clock_.now(),
                 .log_class = std::move(options.log_class),
                 .kms_key_id = std::move(options.kms_key_id),
                 .deletion_protected = options.deletion_protected,
                 .tags = std::move(options.tags)};
  batch.put(keys::group(group->info.key), encode_group(group->info));
  put_tally(batch, *group);
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  const GroupPtr shown = std::move(group);
  publish(shown->info.key, shown);
  co_return shown;
}

async::Task<base::Status> Journal::remove_group(GroupKey key) {
  return async::run_on(control_, remove_group_here(std::move(key)));
}

async::Task<base::Status> Journal::remove_group_here(GroupKey key) {
  const auto lock = co_await changing_.lock();
  const GroupPtr group = find(key);
  if (!group) co_return no_group(key);
  if (group->info.deletion_protected)
    co_return base::error(base::ErrorCode::kConflict, key.arn() + " is protected");
  const auto inner = co_await group->state->changing.lock();
  store::Batch batch;
  batch.erase(keys::group(key));
  for (const keys::Part part : keys::kParts) {
    std::string from = keys::part(part, group->info.id);
    std::string to = store::prefix_end(from);
    batch.erase_range(std::move(from), std::move(to));
  }
  const auto sequence = store_.submit(std::move(batch));
  if (!sequence) co_return std::unexpected(sequence.error());
  group->state->removed = true;
  const base::Status removed = co_await store_.durable(*sequence);
  if (!removed) co_return std::unexpected(removed.error());
  publish(key, nullptr);
  group->state->tail.notify();
  co_return base::Status();
}

async::Task<base::Result<GroupPtr>> Journal::update_group(
    GroupKey key, std::function<base::Status(GroupInfo&)> change) {
  return async::run_on(control_, update_group_here(std::move(key), std::move(change)));
}

async::Task<base::Result<GroupPtr>> Journal::update_group_here(
    GroupKey key, std::function<base::Status(GroupInfo&)> change) {
  const auto lock = co_await changing_.lock();
  const GroupPtr before = find(key);
  if (!before) co_return no_group(key);
  auto group = std::make_shared<Group>(*before);
  const base::Status accepted = change(group->info);
  if (!accepted) co_return std::unexpected(accepted.error());
  store::Batch batch;
  batch.put(keys::group(key), encode_group(group->info));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  const GroupPtr shown = std::move(group);
  publish(key, shown);
  co_return shown;
}

}  // namespace journal
