#include "streamlog/account_settings.h"

#include <boost/json.hpp>

#include "store/for_each.h"

namespace streamlog {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "streamlog/account/";

std::string store_key(const std::string& account_id, const std::string& region) {
  return std::string(kPrefix) + account_id + "/" + region;
}

std::optional<base::Timestamp> time_in(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  return base::from_epoch_ms(value->to_number<std::int64_t>());
}

}  // namespace

std::optional<base::Timestamp> Commitment::earliest_end() const {
  if (!started) return std::nullopt;
  return *started + kCommitmentLeast;
}

std::string encode_commitment(const Commitment& commitment) {
  json::object object{{"version", 1}};
  if (commitment.started) object["started"] = base::to_epoch_ms(*commitment.started);
  if (commitment.ends) object["ends"] = base::to_epoch_ms(*commitment.ends);
  return json::serialize(object);
}

base::Result<Commitment> decode_commitment(std::string_view bytes) {
  try {
    const json::value value = json::parse(bytes);
    const json::object& object = value.as_object();
    return Commitment{.started = time_in(object, "started"), .ends = time_in(object, "ends")};
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("an account's settings: ") + failure.what());
  }
}

AccountSettings::AccountSettings(store::Store& store, async::Core& control,
                                 const base::Clock& clock)
    : store_(store), control_(control), clock_(clock) {}

async::Task<base::Status> AccountSettings::open() {
  Commitments loaded;
  const auto take = [&loaded](const store::KeyValue& entry) -> base::Status {
    ASSIGN_OR_RETURN(const Commitment commitment, decode_commitment(entry.value));
    loaded.emplace(entry.key, commitment);
    return {};
  };
  const base::Status read = co_await store::for_each(store_, std::string(kPrefix), take);
  if (!read) co_return std::unexpected(read.error());
  commitments_.set(std::move(loaded));
  co_return base::Status();
}

Commitment AccountSettings::commitment(const std::string& account_id,
                                       const std::string& region) const {
  const auto all = commitments_.get();
  const auto found = all->find(store_key(account_id, region));
  return found == all->end() ? Commitment() : found->second;
}

async::Task<base::Result<Commitment>> AccountSettings::commit(std::string account_id,
                                                              std::string region, bool wanted) {
  return async::run_on(control_, commit_here(store_key(account_id, region), wanted));
}

async::Task<base::Result<Commitment>> AccountSettings::commit_here(std::string key, bool wanted) {
  const auto lock = co_await changing_.lock();
  Commitments all = *commitments_.get();
  Commitment& commitment = all[key];
  const base::Timestamp now = clock_.now();
  const bool running = commitment.is_running(now);
  if (wanted && !running) commitment = {.started = now, .ends = std::nullopt};
  if (wanted && running) commitment.ends.reset();
  if (!wanted && running && !commitment.ends)
    commitment.ends = std::max(now, *commitment.earliest_end());
  const Commitment changed = commitment;
  store::Batch batch;
  batch.put(key, encode_commitment(changed));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  commitments_.set(std::move(all));
  co_return changed;
}

}  // namespace streamlog
