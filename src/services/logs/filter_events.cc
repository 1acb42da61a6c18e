// FilterLogEvents: the streams of a group merged by time, those events that match a pattern.
#include "api/logs/errors.h"
#include "base/encoding.h"
#include "services/logs/filter_pattern.h"
#include "services/logs/logs.h"
#include "services/logs/tokens.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using journal::GroupPage;
using journal::Position;
using wire::Context;

// What one request reads at most; it then answers what it has found, and a token.
constexpr std::size_t kScanBytesMax = 10U << 20U;
constexpr std::size_t kScanPagesMax = 50;
constexpr std::size_t kScanPageEvents = 1000;

// A token holds the group, so that it is not taken for another, and the place.
std::string seal(const Deps& deps, std::uint64_t group, Position place) {
  std::string plain;
  base::append_u64(plain, group);
  base::append_u64(plain, place.time_ms);
  base::append_u64(plain, place.order);
  return deps.sealer.seal(plain);
}
std::optional<Position> unseal(const Deps& deps, std::uint64_t group, const std::string& token) {
  const auto plain = deps.sealer.open(token);
  if (!plain || plain->size() != 24 || base::read_u64(*plain) != group) return std::nullopt;
  const std::string_view bytes(*plain);
  return Position{base::read_u64(bytes.substr(8)), base::read_u64(bytes.substr(16))};
}

// The time range holds both its ends.
api::Outcome<journal::Range> range_of(const Deps& deps, const l::FilterLogEventsRequest& input,
                                      std::uint64_t group) {
  const auto time = [](std::int64_t ms) { return ms < 0 ? 0 : static_cast<std::uint64_t>(ms); };
  journal::Range range;
  if (input.start_time) range.from = {time(*input.start_time), 0};
  if (input.end_time) range.to = {time(*input.end_time), UINT64_MAX};
  if (!input.next_token) return range;
  const auto place = unseal(deps, group, *input.next_token);
  if (!place) return std::unexpected(bad_token());
  range.from = std::max(range.from, *place);
  return range;
}

async::Task<api::Outcome<std::vector<std::uint64_t>>> stream_ids(const Deps& deps,
                                                                 const GroupPtr& group,
                                                                 std::vector<std::string> names) {
  std::vector<std::uint64_t> ids;
  for (std::string& name : names) {
    const auto stream = co_await deps.journal.find_stream(group, std::move(name));
    if (!stream) co_return std::unexpected(to_api_error(deps, stream.error(), group->info.key));
    ids.push_back(stream->id);
  }
  co_return ids;
}

// One stream is read by itself, several along the group's index.
async::Task<base::Result<GroupPage>> next_page(const Deps& deps, const GroupPtr& group,
                                               const journal::GroupQuery& query,
                                               const std::vector<std::string>& names,
                                               journal::ReadLimits limits) {
  if (query.stream_ids.size() != 1) {
    auto page = co_await deps.journal.read_group(group, query, limits);
    co_return page;
  }
  const std::uint64_t stream = query.stream_ids.front();
  auto events = co_await deps.journal.read(group, stream, query.range, limits, false);
  if (!events) co_return std::unexpected(events.error());
  GroupPage page;
  for (journal::Event& event : *events)
    page.events.push_back({std::move(event), stream, names.front()});
  if (!page.events.empty()) page.next = page.events.back().event.position.next();
  co_return page;
}

// What has been found so far.
struct Found {
  std::vector<l::FilteredLogEvent> events;
  std::size_t bytes = 0;
  std::size_t scanned = 0;
  std::optional<Position> next;
};

// Takes what matches; stops where the answer is full.
void take(Found& found, GroupPage page, const FilterPattern& pattern, std::size_t limit) {
  found.next = page.next;
  for (journal::GroupEvent& entry : page.events) {
    journal::Event& event = entry.event;
    if (found.events.size() >= limit || found.bytes >= kPageBytes) {
      found.next = event.position;
      return;
    }
    const std::size_t size = event.message.size() + journal::kEventOverhead;
    found.scanned += size;
    if (!pattern.matches(event.message)) continue;
    found.bytes += size;
    found.events.push_back({.log_stream_name = std::move(entry.stream),
                            .timestamp = static_cast<std::int64_t>(event.position.time_ms),
                            .message = std::move(event.message),
                            .ingestion_time = base::to_epoch_ms(event.ingested),
                            .event_id = event_id(entry.stream_id, event.position)});
  }
}

async::Task<base::Result<Found>> search(const Deps& deps, const GroupPtr& group,
                                        journal::GroupQuery query,
                                        const std::vector<std::string>& names,
                                        const FilterPattern& pattern, std::size_t limit) {
  Found found;
  for (std::size_t pages = 0; pages < kScanPagesMax; ++pages) {
    auto page = co_await next_page(deps, group, query, names,
                                   {.events = kScanPageEvents, .bytes = kPageBytes});
    if (!page) co_return std::unexpected(page.error());
    take(found, *std::move(page), pattern, limit);
    const bool full = found.events.size() >= limit || found.bytes >= kPageBytes;
    if (!found.next || full || found.scanned >= kScanBytesMax) break;
    query.range.from = *found.next;
    co_await async::yield();
  }
  co_return found;
}

Answer<l::FilterLogEventsResponse> filter_events(const Deps& deps, const Context& context,
                                                 l::FilterLogEventsRequest input) {
  const auto key = key_of(context, input.log_group_name, input.log_group_identifier);
  if (!key) co_return std::unexpected(key.error());
  if (input.log_stream_names && input.log_stream_name_prefix)
    co_return std::unexpected(l::invalid_parameter(
        "logStreamNamePrefix and logStreamNames are mutually exclusive parameters."));
  const auto pattern = FilterPattern::parse(input.filter_pattern.value_or(""));
  if (!pattern) co_return std::unexpected(l::invalid_parameter(pattern.error().message));
  const auto group = find_group(deps, *key);
  if (!group) co_return std::unexpected(group.error());
  const auto range = range_of(deps, input, (*group)->info.id);
  if (!range) co_return std::unexpected(range.error());
  const auto names = input.log_stream_names.value_or(std::vector<std::string>());
  auto ids = co_await stream_ids(deps, *group, names);
  if (!ids) co_return std::unexpected(ids.error());
  journal::GroupQuery query{.range = *range,
                            .stream_ids = *std::move(ids),
                            .stream_prefix = input.log_stream_name_prefix.value_or("")};
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kPageEvents));
  auto found = co_await search(deps, *group, std::move(query), names, *pattern, limit);
  if (!found) co_return std::unexpected(to_api_error(deps, found.error(), *key));
  l::FilterLogEventsResponse output;
  output.events = std::move(found->events);
  output.searched_log_streams.emplace();  // AWS answers an empty list since 2019
  if (found->next) output.next_token = seal(deps, (*group)->info.id, *found->next);
  co_return output;
}

}  // namespace

void register_filter_events(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::FilterLogEvents>(on_group<l::FilterLogEventsRequest>("logs:FilterLogEvents"),
                                       [&deps](const Context& context, auto input) {
                                         return filter_events(deps, context, std::move(input));
                                       });
}

}  // namespace services::logs
