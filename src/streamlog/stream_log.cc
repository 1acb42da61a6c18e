#include "streamlog/stream_log.h"

#include <algorithm>

#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"

namespace streamlog {
namespace {

constexpr std::string_view kStreamPrefix = "streamlog/stream/";
constexpr std::string_view kNextLogKey = "streamlog/next_log";
constexpr std::chrono::seconds kSweepEvery{30};

// Names hold no slash, so the key is unambiguous.
std::string store_key(const StreamKey& key) {
  return std::string(kStreamPrefix) + key.account_id + "/" + key.region + "/" + key.name;
}

base::Result<PolicyPtr> parse(const std::string& policy, const StreamKey& key) {
  if (policy.empty()) return PolicyPtr();
  auto parsed = auth::parse_shared_policy(policy, auth::PolicyKind::kResource);
  if (!parsed)
    return base::error(base::ErrorCode::kInvalidArgument,
                       "a resource policy of " + key.arn() + ": " + parsed.error().message);
  return *std::move(parsed);
}

// A policy that cannot be read is an error: passing it over could allow what it denies.
base::Status parse_policies(const StreamInfo& info, Stream& stream) {
  ASSIGN_OR_RETURN(stream.policy, parse(info.resource_policy, info.key));
  for (const ConsumerInfo& consumer : info.consumers) {
    if (consumer.resource_policy.empty()) continue;
    ASSIGN_OR_RETURN(stream.consumer_policies[consumer.name],
                     parse(consumer.resource_policy, info.key));
  }
  return {};
}

auto no_stream(const StreamKey& key) {
  return base::error(base::ErrorCode::kNotFound, "no stream " + key.arn());
}

}  // namespace

std::shared_ptr<Shard> Stream::shard(std::uint32_t index) const {
  const auto found = shards.find(index);
  return found == shards.end() ? nullptr : found->second;
}

PolicyPtr Stream::consumer_policy(const std::string& name) const {
  const auto found = consumer_policies.find(name);
  return found == consumer_policies.end() ? nullptr : found->second;
}

StreamLog::StreamLog(store::Store& store, async::Core& control, CoreOf core_of,
                     const base::Clock& clock, base::Random& random, StreamLogOptions options)
    : store_(store),
      control_(control),
      core_of_(std::move(core_of)),
      clock_(clock),
      random_(random),
      options_(options),
      accounts_(store, control, clock) {}

std::shared_ptr<Shard> StreamLog::run_shard(const ShardInfo& info) const {
  auto limits = options_.enforce_limits ? std::make_unique<ShardLimits>(clock_) : nullptr;
  return std::make_shared<Shard>(info, core_of_(info.log.value()), store_, clock_,
                                 std::move(limits));
}

async::Task<base::Result<StreamPtr>> StreamLog::load(StreamInfo info) {
  auto stream = std::make_shared<Stream>();
  for (const ShardInfo& shard_info : info.shards) {
    auto shard = run_shard(shard_info);
    const base::Status opened = co_await shard->open();
    if (!opened) co_return std::unexpected(opened.error());
    stream->shards.emplace(shard_info.index, std::move(shard));
  }
  const base::Status parsed = parse_policies(info, *stream);
  if (!parsed) co_return std::unexpected(parsed.error());
  stream->info = std::move(info);
  co_return StreamPtr(std::move(stream));
}

async::Task<base::Status> StreamLog::open() {
  const base::Status accounts = co_await accounts_.open();
  if (!accounts) co_return std::unexpected(accounts.error());
  const auto next = co_await store_.get(std::string(kNextLogKey));
  if (!next) co_return std::unexpected(next.error());
  if (next->has_value()) next_log_ = base::read_u64(**next);

  Streams streams;
  std::string from(kStreamPrefix);
  const std::string to = store::prefix_end(from);
  for (;;) {
    const auto page = co_await store_.scan(from, to);
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) break;
    for (const store::KeyValue& entry : *page) {
      auto info = decode_stream(entry.value);
      if (!info) co_return std::unexpected(info.error());
      auto stream = co_await load(*std::move(info));
      if (!stream) co_return std::unexpected(stream.error());
      streams.emplace((*stream)->info.key, *stream);
    }
    from = page->back().key + '\0';
  }
  streams_.set(std::move(streams));
  co_return base::Status();
}

StreamPtr StreamLog::find(const StreamKey& key) const {
  const auto streams = streams_.get();
  const auto found = streams->find(key);
  return found == streams->end() ? nullptr : found->second;
}

std::vector<StreamPtr> StreamLog::list(const std::string& account_id,
                                       const std::string& region) const {
  std::vector<StreamPtr> found;
  const auto streams = streams_.get();
  for (auto at = streams->lower_bound({account_id, region, ""}); at != streams->end(); ++at) {
    if (at->first.account_id != account_id || at->first.region != region) break;
    found.push_back(at->second);
  }
  return found;
}

void StreamLog::publish(const StreamKey& key, StreamPtr stream) {
  Streams streams = *streams_.get();
  if (stream) streams[key] = std::move(stream);
  else streams.erase(key);
  streams_.set(std::move(streams));
  changed_.notify();
}

// Writes `info` and shows it; shards that go on keep running, new ones start.
async::Task<base::Result<StreamPtr>> StreamLog::persist(StreamInfo info, StreamPtr before) {
  store::Batch batch;
  batch.put(store_key(info.key), encode_stream(info));
  std::string next;
  base::append_u64(next, next_log_);
  batch.put(std::string(kNextLogKey), std::move(next));
  auto stream = std::make_shared<Stream>();
  const base::Status parsed = parse_policies(info, *stream);
  if (!parsed) co_return std::unexpected(parsed.error());
  for (const ShardInfo& shard : info.shards) {
    auto running = before ? before->shard(shard.index) : nullptr;
    stream->shards.emplace(shard.index, running ? std::move(running) : run_shard(shard));
  }
  if (before)
    for (const auto& [index, shard] : before->shards)
      if (!stream->shards.contains(index)) batch.drop(shard->info().log);
  stream->info = std::move(info);
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  const StreamPtr shown = std::move(stream);
  publish(shown->info.key, shown);
  // Whoever follows a shard that is closed learns of its children now.
  for (const auto& [index, shard] : shown->shards)
    if (shard->is_closed()) shard->tail().notify();
  co_return shown;
}

ShardInfo StreamLog::new_shard(std::uint32_t index, HashRange range) {
  return {
      .index = index, .log = store::LogId(next_log_++), .created = clock_.now(), .range = range};
}

async::Task<base::Result<StreamPtr>> StreamLog::create(StreamKey key, CreateOptions options) {
  return async::run_on(control_, create_here(std::move(key), std::move(options)));
}

async::Task<base::Result<StreamPtr>> StreamLog::create_here(StreamKey key, CreateOptions options) {
  const auto lock = co_await changing_.lock();
  if (find(key)) co_return base::error(base::ErrorCode::kAlreadyExists, "stream " + key.arn());
  StreamInfo info;
  info.key = std::move(key);
  info.id = base::random_text(random_, base::kLowerAlphanumeric, 24);
  info.created = clock_.now();
  info.on_demand = options.on_demand;
  info.record_kib_max = options.record_kib_max;
  info.retention_hours = options.retention_hours;
  info.warm_mib = options.warm_mib;
  info.tags = std::move(options.tags);
  std::uint32_t index = 0;
  for (const HashRange range : even_ranges(options.shard_count))
    info.shards.push_back(new_shard(index++, range));
  auto made = co_await persist(std::move(info), nullptr);
  co_return made;
}

async::Task<base::Status> StreamLog::remove(StreamKey key) {
  return async::run_on(control_, remove_here(std::move(key)));
}

async::Task<base::Status> StreamLog::remove_here(StreamKey key) {
  const auto lock = co_await changing_.lock();
  const StreamPtr stream = find(key);
  if (!stream) co_return no_stream(key);
  // Whatever fails from here on, the shards that were open take records again.
  std::vector<std::shared_ptr<Shard>> closed_here;
  base::Status removed;
  for (const auto& [index, shard] : stream->shards) {
    if (shard->is_closed()) continue;
    const auto closed = co_await shard->close();
    if (closed) closed_here.push_back(shard);
    else removed = std::unexpected(closed.error());
  }
  if (removed) {
    store::Batch batch;
    batch.erase(store_key(key));
    for (const auto& [index, shard] : stream->shards) {
      batch.drop(shard->info().log);
      batch.erase(shard->tip_key());
    }
    removed = co_await store_.commit(std::move(batch));
  }
  if (!removed) {
    for (const auto& shard : closed_here) shard->reopen();
    co_return std::unexpected(removed.error());
  }
  publish(key, nullptr);
  for (const auto& [index, shard] : stream->shards) shard->tail().notify();
  co_return base::Status();
}

async::Task<base::Result<StreamPtr>> StreamLog::update(
    StreamKey key, std::function<base::Status(StreamInfo&)> change) {
  return async::run_on(control_, update_here(std::move(key), std::move(change)));
}

async::Task<base::Result<StreamPtr>> StreamLog::update_here(
    StreamKey key, std::function<base::Status(StreamInfo&)> change) {
  const auto lock = co_await changing_.lock();
  const StreamPtr stream = find(key);
  if (!stream) co_return no_stream(key);
  StreamInfo info = stream->info;
  const base::Status accepted = change(info);
  if (!accepted) co_return std::unexpected(accepted.error());
  auto saved = co_await persist(std::move(info), stream);
  co_return saved;
}

async::Task<base::Status> StreamLog::enforce_retention() {
  const auto streams = streams_.get();
  for (const auto& [key, stream] : *streams) {
    const base::Status trimmed = co_await trim_stream(stream);
    if (!trimmed) co_return std::unexpected(trimmed.error());
  }
  co_return base::Status();
}

async::Task<base::Status> StreamLog::trim_stream(const StreamPtr& stream) {
  const base::Timestamp oldest = clock_.now() - std::chrono::hours(stream->info.retention_hours);
  std::vector<std::uint32_t> expired;
  for (const auto& [index, shard] : stream->shards) {
    const base::Status trimmed = co_await shard->trim_before(oldest);
    if (!trimmed) co_return std::unexpected(trimmed.error());
    const ShardInfo* const info = stream->info.find_shard(index);
    const bool gone = info->closed && *info->closed < oldest && shard->first() == shard->end();
    if (gone) expired.push_back(index);
  }
  if (expired.empty()) co_return base::Status();
  const auto forget = [expired](StreamInfo& info) -> base::Status {
    std::erase_if(info.shards, [&](const ShardInfo& shard) {
      return std::ranges::find(expired, shard.index) != expired.end();
    });
    return {};
  };
  const auto updated = co_await update(stream->info.key, forget);
  if (!updated && updated.error().code != base::ErrorCode::kNotFound)
    co_return std::unexpected(updated.error());
  co_return base::Status();
}

async::Task<void> StreamLog::sweep() {
  for (;;) {
    const bool slept = co_await async::sleep_for(kSweepEvery, stop_.get_token());
    if (!slept) co_return;
    const base::Status swept = co_await enforce_retention();
    if (!swept) base::log_error("stream retention: {}", swept.error().to_string());
  }
}

void StreamLog::start() { async::spawn(control_, gate_, sweep()); }

async::Task<void> StreamLog::stop() {
  stop_.request_stop();
  return gate_.close();
}

}  // namespace streamlog
