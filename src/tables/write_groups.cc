#include "tables/write_groups.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>

#include "async/completion.h"

namespace tables {

struct WriteGroups::Group {
  struct Member {
    std::shared_ptr<Table> table;
    std::shared_ptr<const Definition> definition;
    std::uint16_t hash = 0;
    const Written* written = nullptr;
  };
  std::vector<Member> members;
  boost::unordered_flat_map<std::string, const Written*> by_key;  // the last write of each
  store::Batch batch;
  std::map<Table*, Counts> counts;
  bool has_leader = false;
  bool is_submitted = false;
  base::Result<store::Sequence> sequence = 0;  // once submitted
  std::vector<async::Completion<base::Status>*> followers;
};

const LazyItem* WriteGroups::after(const std::string& key) const {
  if (gathering_ == nullptr) return nullptr;
  const auto found = gathering_->by_key.find(key);
  return found == gathering_->by_key.end() ? nullptr : &found->second->after;
}

void WriteGroups::join(Joining write) {
  if (gathering_ == nullptr) gathering_ = std::make_shared<Group>();
  Group& group = *gathering_;
  *write.written =
      record_change(*write.definition, write.key, std::move(write.before), std::move(write.after),
                    group.batch, group.counts[write.table.get()]);
  group.by_key.insert_or_assign(std::move(write.key), write.written);
  group.members.push_back(
      {std::move(write.table), std::move(write.definition), write.hash, write.written});
}

void WriteGroups::submit() {
  const std::shared_ptr<Group> group = std::exchange(gathering_, nullptr);
  if (group == nullptr) return;
  group->is_submitted = true;
  std::deque<RecentWrites::InFlight> marks;
  for (auto& [table, difference] : group->counts) {
    table->count(lane_, difference, group->batch);
    marks.emplace_back(table->recent_of_all());
  }
  std::vector<Change> changes;
  for (const Group::Member& one : group->members) {
    marks.emplace_back(one.table->recent(one.hash));
    if (!is_captured(*one.definition)) continue;
    const Written& written = *one.written;
    changes.push_back({*one.definition, written.before.get(), written.after.get()});
  }
  group->sequence = submit_changes(store_, sink_, changes, std::move(group->batch));
  if (!group->sequence) return;
  for (auto& mark : marks) mark.submitted(*group->sequence);
}

async::Task<base::Status> WriteGroups::settled() {
  const std::shared_ptr<Group> group = gathering_;
  CHECK(group != nullptr);
  const bool is_full = group->members.size() >= kWritesMax || group->batch.bytes() >= kBytesMax;
  if (is_full) submit();
  if (!std::exchange(group->has_leader, true)) {
    base::Status status = co_await lead(group);
    co_return status;
  }
  async::Completion<base::Status> done;
  group->followers.push_back(&done);
  base::Status status = co_await done;
  co_return status;
}

// Of those who wait, the first: submits once nobody joins any more, and tells the others.
async::Task<base::Status> WriteGroups::lead(std::shared_ptr<Group> group) {
  for (std::size_t known = 0; !group->is_submitted && known < group->members.size();) {
    known = group->members.size();
    co_await async::yield();
  }
  if (!group->is_submitted) submit();
  base::Status synced;
  if (!group->sequence) synced = std::unexpected(group->sequence.error());
  else if (*group->sequence > store_.durable_sequence())
    synced = co_await store_.durable(*group->sequence);
  std::vector<async::Resumption> waiting;
  waiting.reserve(group->followers.size());
  for (auto* const follower : group->followers) waiting.push_back(follower->hand_over(synced));
  async::resume_all(std::move(waiting));
  co_return synced;
}

}  // namespace tables
