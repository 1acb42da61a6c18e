// What people ask of mappings, and order them to do.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "mapping/running.h"

namespace mapping {
namespace {

using base::ErrorCode;
using namespace std::chrono_literals;

constexpr auto kOrderWait = 20s;
constexpr std::size_t kReplayBytesMax = kPayloadBytesMax;

auto no_mapping(const std::string& id) {
  return base::error(ErrorCode::kNotFound, "no event source mapping " + id);
}

// Sequence numbers are decimal and have no leading zeros.
bool below(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

bool lies_before(const SourceRecord& record, const Place& place) {
  if (place.kind == Place::Kind::kTime) return record.arrival < place.time;
  return below(record.sequence_number, place.sequence);
}

// kNotFound: no record of that sequence number.
async::Task<base::Result<Position>> resolve(RecordSource& source, std::string shard, Place place) {
  const auto range = co_await source.range(shard);
  if (!range) co_return std::unexpected(range.error());
  if (place.kind == Place::Kind::kTrimHorizon) co_return range->first;
  if (place.kind == Place::Kind::kLatest) co_return range->end;
  Position low = range->first, high = range->end;
  bool exact = false;
  while (low < high) {
    const Position middle = low + (high - low) / 2;
    const auto page = co_await source.read(shard, middle, 1, 1);
    if (!page) co_return std::unexpected(page.error());
    if (page->records.empty()) {
      high = middle;
      continue;
    }
    const SourceRecord& record = page->records.front();
    exact = exact || record.sequence_number == place.sequence;
    if (lies_before(record, place)) low = std::max(middle, record.position) + 1;
    else high = middle;
  }
  if (place.kind == Place::Kind::kSequence && !exact)
    co_return base::error(ErrorCode::kNotFound,
                          fmt::format("{} has no record {}", shard, place.sequence));
  co_return low;
}

async::Task<base::Result<std::vector<ShardPlace>>> resolve_all(RecordSource& source,
                                                               std::string shard, Place place) {
  const auto shards = co_await source.shards();
  if (!shards) co_return std::unexpected(shards.error());
  std::vector<ShardPlace> places;
  bool known = false;
  for (const SourceShard& each : *shards) {
    if (!shard.empty() && each.id != shard) continue;
    known = true;
    const auto position = co_await resolve(source, each.id, place);
    if (position) places.push_back({.shard = each.id, .position = *position});
    else if (position.error().code != ErrorCode::kNotFound)
      co_return std::unexpected(position.error());
  }
  if (!known) co_return base::error(ErrorCode::kNotFound, "no shard " + shard);
  if (places.empty())
    co_return base::error(ErrorCode::kNotFound, "no shard has a record " + place.sequence);
  co_return places;
}

}  // namespace

const ShardState* Mappings::live(const std::string& id, const std::string& shard) const {
  const auto running = running_.find(id);
  if (running == running_.end()) return nullptr;
  const auto found = running->second->live.find(shard);
  return found == running->second->live.end() ? nullptr : found->second;
}

base::Result<std::unique_ptr<RecordSource>> Mappings::open_source(const std::string& id) const {
  const auto found = running_.find(id);
  if (found == running_.end()) return no_mapping(id);
  const Config& config = found->second->config;
  return sources_.open(config.event_source_arn, config.function_arn);
}

// --- looking -------------------------------------------------------------------------------------

async::Task<base::Result<Inspection>> Mappings::inspect(std::string id) {
  return async::run_on(control_, inspect_here(std::move(id)));
}

async::Task<base::Result<Inspection>> Mappings::inspect_here(std::string id) {
  const auto found = running_.find(id);
  if (found == running_.end()) co_return no_mapping(id);
  Inspection made{.status = status_of(*found->second), .shards = {}, .problem = {}};
  const auto source = open_source(id);
  if (!source) {
    made.problem = source.error().message;
    co_return made;
  }
  const auto shards = co_await (*source)->shards();
  if (!shards) {
    made.problem = shards.error().message;
    co_return made;
  }
  for (const SourceShard& shard : *shards) {
    auto status = co_await inspect_shard(id, **source, shard.id);
    if (!status) {
      made.problem = status.error().message;
      co_return made;
    }
    made.shards.push_back(*std::move(status));
  }
  co_return made;
}

async::Task<base::Result<ShardStatus>> Mappings::inspect_shard(std::string id, RecordSource& source,
                                                               std::string shard) {
  using State = ShardStatus::State;
  ShardStatus made{.shard = shard};
  const auto range = co_await source.range(shard);
  if (!range) co_return std::unexpected(range.error());
  made.range = *range;
  made.position = range->first;
  const auto kept = co_await store_.get(checkpoint_key(id, shard));
  const auto running = running_.find(id);
  if (running == running_.end()) co_return no_mapping(id);
  if (!running->second->config.enabled) made.state = State::kStopped;
  if (const ShardState* const working = live(id, shard);
      working != nullptr && !working->checkpoint.lanes.empty()) {
    made.state = State::kReading;
    made.position = working->checkpoint.lowest();
    for (const LaneControls& lane : working->controls->lanes)
      if (lane.blocked) made.blocked.push_back(*lane.blocked);
  } else if (kept && kept->has_value()) {
    const auto decoded = decode_checkpoint(**kept);
    if (**kept == kDone) {
      made.state = State::kDone;
      made.position = range->end;
    } else if (decoded) {
      made.position = decoded->lowest();
    }
  }
  made.position = std::max(made.position, range->first);
  if (made.position >= range->end) co_return made;
  made.lag_records = range->end - made.position;
  const auto page = co_await source.read(shard, made.position, 1, 1);
  if (page && !page->records.empty()) {
    made.next = page->records.front();
    const auto age = clock_.now() - made.next->arrival;
    made.lag = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(age), 0ms);
  }
  co_return made;
}

async::Task<base::Result<std::vector<ShardPlace>>> Mappings::find(std::string id, std::string shard,
                                                                  Place place) {
  return async::run_on(control_, find_here(std::move(id), std::move(shard), std::move(place)));
}

async::Task<base::Result<std::vector<ShardPlace>>> Mappings::find_here(std::string id,
                                                                       std::string shard,
                                                                       Place place) {
  const auto source = open_source(id);
  if (!source) co_return std::unexpected(source.error());
  auto places = co_await resolve_all(**source, std::move(shard), std::move(place));
  co_return places;
}

// --- moving --------------------------------------------------------------------------------------

async::Task<base::Result<std::vector<ShardPlace>>> Mappings::rewind(std::string id,
                                                                    std::string shard,
                                                                    Place place) {
  return async::run_on(control_, rewind_here(std::move(id), std::move(shard), std::move(place)));
}

// Shards that were done are read again, their children after them as before.
async::Task<base::Result<std::vector<ShardPlace>>> Mappings::rewind_here(std::string id,
                                                                         std::string shard,
                                                                         Place place) {
  const auto lock = co_await changing_.lock();
  auto places = co_await find_here(id, std::move(shard), std::move(place));
  if (!places) co_return std::unexpected(places.error());
  const auto found = running_.find(id);
  if (found == running_.end()) co_return no_mapping(id);
  Running& running = *found->second;
  co_await halt(running);
  store::Batch batch;
  const auto lanes = static_cast<std::size_t>(running.config.parallel);
  for (const ShardPlace& each : *places)
    batch.put(checkpoint_key(id, each.shard), encode(Checkpoint::at(each.position, lanes)));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (running.config.enabled) launch(running);
  if (!saved) co_return std::unexpected(saved.error());
  base::log_info("mapping {}: {} of its shards go on elsewhere, as it was told", id,
                 places->size());
  co_return places;
}

// --- what blocks a shard -------------------------------------------------------------------------

async::Task<base::Status> Mappings::isolate(std::string id, std::string shard) {
  return async::run_on(control_, isolate_here(std::move(id), std::move(shard)));
}

async::Task<base::Status> Mappings::isolate_here(std::string id, std::string shard) {
  const ShardState* const working = live(id, shard);
  if (working == nullptr) co_return base::error(ErrorCode::kNotFound, shard + " is not being read");
  for (LaneControls& lane : working->controls->lanes)
    if (lane.blocked && !lane.blocked->alone) lane.isolate = true;
  working->controls->changed.notify();
  co_return base::Status();
}

async::Task<base::Result<std::pair<Blocked, std::string>>> Mappings::blocked(std::string id,
                                                                             std::string shard,
                                                                             std::string sequence) {
  return async::run_on(control_,
                       blocked_here(std::move(id), std::move(shard), std::move(sequence)));
}

async::Task<base::Result<std::pair<Blocked, std::string>>> Mappings::blocked_here(
    std::string id, std::string shard, std::string sequence) {
  const ShardState* const working = live(id, shard);
  if (working == nullptr) co_return base::error(ErrorCode::kNotFound, shard + " is not being read");
  for (const LaneControls& lane : working->controls->lanes) {
    const auto& blocked = lane.blocked;
    if (!blocked || blocked->records.front().sequence_number != sequence) continue;
    if (!blocked->alone) break;
    const GiveUp why{.condition = std::string(kSkipped),
                     .request_id = blocked->request_id,
                     .attempts = std::max(1, blocked->attempts),
                     .function_error = "Unhandled"};
    co_return std::pair(*blocked,
                        failure_document(working->config, working->frame(), why,
                                         std::span(blocked->records.data(), 1), clock_.now()));
  }
  co_return base::error(ErrorCode::kConflict,
                        fmt::format("Record {} does not block {} alone", sequence, shard));
}

async::Task<base::Status> Mappings::skip(SkipRequest request) {
  return async::run_on(control_, skip_here(std::move(request)));
}

// The lane does it, between two attempts; this waits for it.
async::Task<base::Status> Mappings::skip_here(SkipRequest request) {
  const ShardState* const working = live(request.id, request.shard);
  if (working == nullptr)
    co_return base::error(ErrorCode::kNotFound, request.shard + " is not being read");
  const std::shared_ptr<ShardControls> controls = working->controls;
  std::size_t lane = 0;
  for (; lane < controls->lanes.size(); ++lane) {
    const auto& blocked = controls->lanes[lane].blocked;
    if (blocked && blocked->alone && blocked->records.front().sequence_number == request.sequence)
      break;
  }
  if (lane == controls->lanes.size())
    co_return base::error(ErrorCode::kConflict, fmt::format("Record {} does not block {} alone",
                                                            request.sequence, request.shard));
  LaneControls& own = controls->lanes[lane];
  const Position position = own.blocked->records.front().position;
  own.skip_failure.clear();
  own.skip = SkipOrder{.position = position, .destination_arn = request.destination_arn};
  const base::SteadyTime deadline = async::Core::current()->now() + kOrderWait;
  const auto still = [&] {
    return own.blocked && own.blocked->records.front().position == position;
  };
  for (;;) {
    const auto seen = controls->changed.version();
    if (!own.skip_failure.empty()) co_return base::error(ErrorCode::kConflict, own.skip_failure);
    if (!still()) co_return base::Status();
    controls->changed.notify();
    const bool woken = co_await controls->changed.wait_past(seen + 1, deadline);
    if (!woken && still())
      co_return base::error(ErrorCode::kTimeout,
                            "The function is still at it; the record will be "
                            "skipped once this attempt has failed");
  }
}

// --- replaying -----------------------------------------------------------------------------------

async::Task<base::Result<Replayed>> Mappings::replay(ReplayRequest request) {
  return async::run_on(control_, replay_here(std::move(request)));
}

async::Task<base::Result<Replayed>> Mappings::replay_here(ReplayRequest request) {
  const auto source = open_source(request.id);
  if (!source) co_return std::unexpected(source.error());
  const Config config = running_.find(request.id)->second->config;
  const auto filter = Filter::compile(config.filters);
  if (!filter) co_return std::unexpected(filter.error());
  const auto limit = static_cast<std::size_t>(std::clamp(request.records_max, 1, kBatchSizeMax));
  const auto page = co_await (*source)->read(request.shard, request.from, limit, kReplayBytesMax);
  if (!page) co_return std::unexpected(page.error());
  const EventFrame frame{.region = config.region,
                         .event_source_arn = config.event_source_arn,
                         .role_arn = invoker_.role_arn(request.function_arn),
                         .shard_id = request.shard};
  Replayed made{.next = request.from};
  std::vector<SourceRecord> chosen;
  std::size_t bytes = kPayloadFrameBytes;
  made.finished = page->records.empty();
  for (const SourceRecord& record : page->records) {
    made.finished = record.position >= request.until;
    if (made.finished) break;
    if (filter->passes(frame, record)) {
      bytes += event_bytes(frame, record);
      if (bytes > kPayloadBytesMax && !chosen.empty()) break;
      chosen.push_back(record);
    }
    made.next = record.position + 1;
  }
  made.finished = made.finished || made.next >= request.until;
  made.records = chosen.size();
  if (chosen.empty()) co_return made;
  made.last_sequence = chosen.back().sequence_number;
  made.result = co_await invoker_.invoke(request.function_arn, stream_event(frame, chosen));
  co_return made;
}

}  // namespace mapping
