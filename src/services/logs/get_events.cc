// GetLogEvents: one stream, forwards or backwards.
#include "api/logs/errors.h"
#include "services/logs/logs.h"
#include "services/logs/tokens.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using journal::Position;
using journal::Range;
using wire::Context;

std::uint64_t to_time(std::int64_t time_ms) {
  return time_ms < 0 ? 0 : static_cast<std::uint64_t>(time_ms);
}

// Where a page lies: within `range`, at its beginning or its end.
struct Place {
  Range range;
  bool from_end = true;
  Position empty;  // both tokens' place if the page is empty
};

// The time range holds its start, and not its end.
api::Outcome<Place> place_of(const l::GetLogEventsRequest& input, std::uint64_t stream) {
  Place place;
  if (input.start_time) place.range.from = {to_time(*input.start_time), 0};
  if (input.end_time) place.range.to = {to_time(*input.end_time), 0};
  place.empty = place.range.from;
  place.from_end = !input.start_from_head.value_or(false);
  if (!input.next_token) return place;
  const auto token = PageToken::parse(*input.next_token);
  if (!token || token->stream != stream) return std::unexpected(bad_token());
  place.empty = token->position;
  place.from_end = !token->forward;
  if (token->forward) place.range.from = std::max(place.range.from, token->position);
  else place.range.to = std::min(place.range.to, token->position);
  return place;
}

Answer<l::GetLogEventsResponse> get_events(const Deps& deps, const Context& context,
                                           l::GetLogEventsRequest input) {
  const auto key = key_of(context, input.log_group_name, input.log_group_identifier);
  if (!key) co_return std::unexpected(key.error());
  const auto group = find_group(deps, *key);
  if (!group) co_return std::unexpected(group.error());
  const auto stream = co_await deps.journal.find_stream(*group, *input.log_stream_name);
  if (!stream) co_return std::unexpected(to_api_error(deps, stream.error(), *key));
  const auto place = place_of(input, stream->id);
  if (!place) co_return std::unexpected(place.error());
  const journal::ReadLimits limits{
      .events = static_cast<std::size_t>(input.limit.value_or(kPageEvents)), .bytes = kPageBytes};
  auto events =
      co_await deps.journal.read(*group, stream->id, place->range, limits, place->from_end);
  if (!events) co_return std::unexpected(to_api_error(deps, events.error(), *key));
  const Position first = events->empty() ? place->empty : events->front().position;
  const Position end = events->empty() ? place->empty : events->back().position.next();
  l::GetLogEventsResponse output;
  auto& shown = output.events.emplace();
  shown.reserve(events->size());
  for (journal::Event& event : *events)
    shown.push_back({.timestamp = static_cast<std::int64_t>(event.position.time_ms),
                     .message = std::move(event.message),
                     .ingestion_time = base::to_epoch_ms(event.ingested)});
  output.next_forward_token =
      PageToken{.forward = true, .stream = stream->id, .position = end}.to_string();
  output.next_backward_token =
      PageToken{.forward = false, .stream = stream->id, .position = first}.to_string();
  co_return output;
}

}  // namespace

void register_get_events(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::GetLogEvents>(on_stream<l::GetLogEventsRequest>("logs:GetLogEvents"),
                                    [&deps](const Context& context, auto input) {
                                      return get_events(deps, context, std::move(input));
                                    });
}

}  // namespace services::logs
