#include "client/mapping_text.h"

#include <fmt/format.h>

#include "base/time_text.h"

namespace client {
namespace {

namespace m = api::millrace;
using std::chrono::milliseconds;

constexpr std::size_t kArnPartsBeforeName = 5;
constexpr std::size_t kErrorCharactersMax = 500;

std::string since(const std::optional<base::Timestamp>& time, base::Timestamp now) {
  if (!time) return "?";
  return duration_text(std::chrono::duration_cast<milliseconds>(now - *time));
}

std::string trying(const m::ShardProgress& shard) {
  if (!shard.blocked || shard.blocked->empty()) return "";
  const m::BlockedBatch& first = shard.blocked->front();
  std::string text = fmt::format("{} record{}, attempt {}", first.records.value_or(0),
                                 first.records == 1 ? "" : "s", first.attempts.value_or(0));
  if (shard.blocked->size() > 1) text += fmt::format(" (+{} lanes)", shard.blocked->size() - 1);
  return text;
}

std::string state_text(const std::string& state) {
  if (state == "WAITING") return "waits for its parents";
  if (state == "READING") return "reading";
  if (state == "STOPPED") return "paused";
  if (state == "DONE") return "done";
  return state;
}

std::string shards_table(const std::vector<m::ShardProgress>& shards, const DrawStyle& style) {
  TextTable table;
  table.columns = {{.title = "shard"},
                   {.title = "state"},
                   {.title = "position", .right = true},
                   {.title = "behind", .right = true},
                   {.title = "oldest waits", .right = true},
                   {.title = "tries again"}};
  for (const m::ShardProgress& shard : shards) {
    const std::int64_t behind = shard.lag_records.value_or(0);
    table.rows.push_back(
        {shard.shard_id.value_or(""), state_text(shard.state.value_or("")),
         fmt::format("{}", shard.position.value_or(0)), fmt::format("{}", behind),
         behind == 0 ? "" : duration_text(milliseconds(shard.lag_milliseconds.value_or(0))),
         trying(shard)});
  }
  return table.draw(style);
}

}  // namespace

std::string duration_text(milliseconds length) {
  const std::int64_t ms = std::max<std::int64_t>(length.count(), 0);
  const std::int64_t seconds = ms / 1000;
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string short_name(const std::string& arn) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < kArnPartsBeforeName; ++i) {
    const std::size_t colon = arn.find(':', at);
    if (colon == std::string::npos) return arn;
    at = colon + 1;
  }
  return arn.substr(at);
}

std::string mappings_table(const std::vector<m::MappingSummary>& mappings, const DrawStyle& style) {
  TextTable table;
  table.columns = {{.title = "function"},
                   {.title = "source"},
                   {.title = "state"},
                   {.title = "last result"},
                   {.title = "id"}};
  for (const m::MappingSummary& each : mappings)
    table.rows.push_back({short_name(each.function_arn.value_or("")),
                          short_name(each.event_source_arn.value_or("")), each.state.value_or(""),
                          visible(each.last_processing_result.value_or("")),
                          each.uuid.value_or("")});
  return table.draw(style);
}

std::string blocked_text(const std::string& shard, const m::BlockedBatch& blocked,
                         base::Timestamp now) {
  const std::string key = visible(blocked.partition_key.value_or(""));
  std::string text;
  if (blocked.isolated.value_or(false))
    text = fmt::format("{}: blocked for {} by record {}\n  key {}, put {} ago\n", shard,
                       since(blocked.since, now), blocked.sequence_number.value_or(""), key,
                       since(blocked.arrival, now));
  else
    text = fmt::format("{}: blocked for {} by one or more of {} records, {} to {}\n", shard,
                       since(blocked.since, now), blocked.records.value_or(0),
                       blocked.sequence_number.value_or(""),
                       blocked.last_sequence_number.value_or(""));
  const std::string error = visible(blocked.error.value_or("").substr(0, kErrorCharactersMax));
  text += fmt::format("  attempt {} failed: {}\n", blocked.attempts.value_or(0), error);
  if (blocked.next_attempt && *blocked.next_attempt > now)
    text += fmt::format(
        "  next attempt in {}\n",
        duration_text(std::chrono::duration_cast<milliseconds>(*blocked.next_attempt - now)));
  return text;
}

std::string mapping_text(const m::DescribeMappingOutput& described, base::Timestamp now,
                         const DrawStyle& style) {
  const m::MappingSummary mapping = described.mapping.value_or(m::MappingSummary{});
  std::string text =
      fmt::format("{} <- {}  {}\nid {}  batches of {}\nlast result: {}\n",
                  short_name(mapping.function_arn.value_or("")),
                  short_name(mapping.event_source_arn.value_or("")), mapping.state.value_or(""),
                  mapping.uuid.value_or(""), mapping.batch_size.value_or(0),
                  visible(mapping.last_processing_result.value_or("")));
  if (described.problem) text += "its shards cannot be read: " + visible(*described.problem) + "\n";
  if (!described.shards || described.shards->empty()) return text;
  text += shards_table(*described.shards, style);
  for (const m::ShardProgress& shard : *described.shards) {
    if (!shard.blocked) continue;
    for (const m::BlockedBatch& blocked : *shard.blocked)
      text += "\n" + blocked_text(shard.shard_id.value_or(""), blocked, now);
  }
  return text;
}

}  // namespace client
