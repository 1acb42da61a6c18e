#include "client/table_follow.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "async/when_all.h"
#include "base/time_text.h"
#include "wire/json_codec.h"

namespace client {
namespace {

namespace s = api::dynamodbstreams;
using async::Task;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kGiveUpAfter{300};

base::SteadyTime now() { return async::Core::current()->now(); }

// The two services have a type each for the same values.
Item converted(const std::map<std::string, s::AttributeValue>& from) {
  Item made;
  for (const auto& [name, value] : from) {
    const std::string text = wire::encode_json(s::kAttributeValueShape, &value);
    auto read = wire::decode_json<Value>(text, api::dynamodb::kAttributeValueShape,
                                         wire::JsonFlavour::kDynamo);
    if (read) made[name] = *std::move(read);
  }
  return made;
}

std::optional<Item> converted(const std::optional<std::map<std::string, s::AttributeValue>>& from) {
  if (!from) return std::nullopt;
  return converted(*from);
}

std::string assignments(const Item& item, const Item& without) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : item)
    if (!without.contains(name))
      parts.push_back(fmt::format("{}={}", visible(name), value_text(value)));
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string differences(const Item& before, const Item& after) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : before) {
    const auto at = after.find(name);
    if (at == after.end()) parts.push_back(fmt::format("-{}", visible(name)));
    else if (const auto was = value_text(value), is = value_text(at->second);
             was != is || value.member() != at->second.member())
      parts.push_back(fmt::format("{}: {} -> {}", visible(name), was, is));
  }
  for (const auto& [name, value] : after)
    if (!before.contains(name))
      parts.push_back(fmt::format("+{}={}", visible(name), value_text(value)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string time_text(const TableChange& change) {
  return change.time ? base::iso8601(*change.time) : "-";
}

}  // namespace

TableChange table_change(const s::Record& record) {
  TableChange change;
  change.kind = record.event_name.value_or("");
  change.expired = record.user_identity &&
                   record.user_identity->principal_id.value_or("") == "dynamodb.amazonaws.com";
  if (!record.dynamodb) return change;
  change.time = record.dynamodb->approximate_creation_date_time;
  change.keys = converted(record.dynamodb->keys).value_or(Item());
  change.before = converted(record.dynamodb->old_image);
  change.after = converted(record.dynamodb->new_image);
  return change;
}

std::string change_line(const TableChange& change) {
  std::string what;
  if (change.before && change.after) what = differences(*change.before, *change.after);
  else if (change.after) what = assignments(*change.after, change.keys);
  if (change.expired) what = "expired";
  return fmt::format("{}\t{}\t{}\t{}", time_text(change), change.kind, assignments(change.keys, {}),
                     what);
}

std::string change_json(const TableChange& change, bool typed) {
  const auto json = [typed](const Item& item) {
    return typed ? typed_json(item) : plain_json(item);
  };
  std::string out = "{\"time\":";
  wire::append_json_string(out, time_text(change));
  out += ",\"event\":";
  wire::append_json_string(out, change.kind);
  if (change.expired) out += ",\"expired\":true";
  out += ",\"keys\":" + json(change.keys);
  if (change.before) out += ",\"before\":" + json(*change.before);
  if (change.after) out += ",\"after\":" + json(*change.after);
  return out + '}';
}

Task<Answer<void>> TableFollower::begin() {
  auto listed = co_await list(true);
  if (!listed) co_return listed;
  for (auto& [id, shard] : shards_) {
    while (shard.state == State::kReads && !shard.iterator && !over()) {
      if (shard.due > now()) co_await async::sleep_until(shard.due, with_.stop);
      co_await fetch_iterator(shard);
    }
  }
  if (failure_) co_return std::unexpected(*failure_);
  co_return Answer<void>();
}

Task<Answer<void>> TableFollower::run() {
  while (!over()) {
    if (list_again_) {
      list_again_ = false;
      auto listed = co_await list(false);
      if (!listed && !with_.stop.stop_requested()) co_return listed;
    }
    start_ready();
    const bool reading = std::ranges::any_of(
        shards_, [](const auto& entry) { return entry.second.state == State::kReads; });
    if (!reading) {
      taker_.note("the stream has ended");
      break;
    }
    const auto due = due_shards();
    if (due.front()->due > now()) {
      co_await async::sleep_until(due.front()->due, with_.stop);
      continue;
    }
    std::vector<Task<bool>> wave;
    for (Shard* const shard : due)
      if (shard->due <= now()) wave.push_back(read(*shard));
    co_await async::when_all(std::move(wave));
  }
  if (failure_ && !with_.stop.stop_requested()) co_return std::unexpected(*failure_);
  co_return Answer<void>();
}

Task<Answer<void>> TableFollower::list(bool first) {
  s::DescribeStreamInput input;
  input.stream_arn = arn_;
  for (;;) {
    const Patience patience{.give_up_after = kGiveUpAfter, .while_unreachable = !first};
    auto page =
        co_await call_patiently<s::op::DescribeStream>(with_, input, first ? Patience() : patience);
    if (!page) co_return std::unexpected(std::move(page).error());
    auto description = page->stream_description.value_or(s::StreamDescription());
    for (const s::Shard& found : description.shards.value_or(std::vector<s::Shard>())) {
      auto [at, fresh] = shards_.try_emplace(found.shard_id.value_or(""));
      if (!fresh) continue;
      Shard& shard = at->second;
      shard.id = at->first;
      shard.parent = found.parent_shard_id.value_or("");
      const bool closed = found.sequence_number_range &&
                          found.sequence_number_range->ending_sequence_number.has_value();
      shard.from_start = !first;
      if (first) shard.state = closed ? State::kDone : State::kReads;
    }
    if (!description.last_evaluated_shard_id) co_return Answer<void>();
    input.exclusive_start_shard_id = description.last_evaluated_shard_id;
  }
}

void TableFollower::start_ready() {
  for (auto& [id, shard] : shards_) {
    if (shard.state != State::kWaits) continue;
    const auto parent = shards_.find(shard.parent);
    if (parent == shards_.end() || parent->second.state == State::kDone)
      shard.state = State::kReads;
  }
}

// At least one, those first that have waited longest.
std::vector<TableFollower::Shard*> TableFollower::due_shards() {
  std::vector<Shard*> due;
  for (auto& [id, shard] : shards_)
    if (shard.state == State::kReads) due.push_back(&shard);
  std::ranges::sort(due, [](const Shard* a, const Shard* b) {
    return a->due != b->due ? a->due < b->due : a->id < b->id;
  });
  if (due.size() > kChangeReadsAtOnce) due.resize(kChangeReadsAtOnce);
  return due;
}

Task<bool> TableFollower::fetch_iterator(Shard& shard) {
  s::GetShardIteratorInput input;
  input.stream_arn = arn_;
  input.shard_id = shard.id;
  input.shard_iterator_type = shard.from_start ? "TRIM_HORIZON" : "LATEST";
  if (!shard.last_sequence.empty()) {
    input.shard_iterator_type = "AFTER_SEQUENCE_NUMBER";
    input.sequence_number = shard.last_sequence;
  }
  auto answer = co_await with_.caller.call<s::op::GetShardIterator>(input);
  if (!answer) {
    failed(shard, answer.error());
    co_return false;
  }
  shard.iterator = answer->shard_iterator;
  co_return true;
}

Task<bool> TableFollower::read(Shard& shard) {
  if (!shard.iterator) {
    const bool fetched = co_await fetch_iterator(shard);
    if (!fetched) co_return false;
  }
  s::GetRecordsInput input;
  input.shard_iterator = shard.iterator;
  auto page = co_await with_.caller.call<s::op::GetRecords>(input);
  if (!page) {
    failed(shard, page.error());
    co_return false;
  }
  shard.attempt = 0;
  if (std::exchange(unreachable_, false)) taker_.note("reached again");
  const auto records = page->records.value_or(std::vector<s::Record>());
  if (!enough_) enough_ = !deliver(shard, records);
  shard.iterator = page->next_shard_iterator;
  shard.due = now() + (records.empty() ? kChangePollEvery : milliseconds(0));
  if (shard.iterator) co_return true;
  shard.state = State::kDone;
  list_again_ = true;
  co_return true;
}

bool TableFollower::deliver(Shard& shard, const std::vector<s::Record>& records) {
  for (const s::Record& record : records) {
    if (record.dynamodb) shard.last_sequence = record.dynamodb->sequence_number.value_or("");
    if (!taker_.take(table_change(record))) return false;
  }
  return true;
}

void TableFollower::failed(Shard& shard, const Failure& failure) {
  const bool trimmed = failure.code == "TrimmedDataAccessException";
  if (trimmed || failure.code == "ExpiredIteratorException") {
    if (trimmed) taker_.note("changes were lost: nobody read them for a day");
    else if (shard.last_sequence.empty() && !shard.from_start)
      taker_.note("changes of the last minutes may be missing");
    if (trimmed) shard.last_sequence.clear();
    shard.from_start = shard.from_start || trimmed;
    shard.iterator.reset();
    return;
  }
  if (!failure.passing) {
    if (!failure_) failure_ = failure;
    return;
  }
  if (failure.unreachable && !std::exchange(unreachable_, true))
    taker_.note(fmt::format("{}; trying again", failure.message));
  shard.due = now() + retry_delay(++shard.attempt, with_.random);
}

}  // namespace client
