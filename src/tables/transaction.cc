#include <algorithm>
#include <deque>

#include "api/dynamodb/errors.h"
#include "base/encoding.h"
#include "base/log.h"
#include "tables/item.h"
#include "tables/record.h"
#include "tables/writer.h"

namespace tables {

namespace {

constexpr std::int64_t kTokenLifeMs = 10 * 60 * 1000;
constexpr std::uint8_t kTokenVersion = 1;

api::Error internal(const base::Error& error) {
  base::log_error("tables: {}", error.to_string());
  return api::internal_failure();
}

using api::dynamodb::CancellationReason;

CancellationReason reason_of(const std::optional<api::Error>& error) {
  CancellationReason reason;
  if (!error) {
    reason.code = "None";
    return reason;
  }
  reason.message = error->message;
  if (error->code == "ConditionalCheckFailedException") {
    reason.code = "ConditionalCheckFailed";
    if (error->detail != nullptr)
      reason.item =
          static_cast<const api::dynamodb::ConditionalCheckFailedException*>(error->detail.get())
              ->item;
  } else {
    reason.code = "ValidationError";
  }
  return reason;
}

api::Error cancelled(const std::vector<std::optional<api::Error>>& errors) {
  auto detail = std::make_shared<api::dynamodb::TransactionCanceledException>();
  std::string codes;
  detail->cancellation_reasons.emplace();
  // Nothing is looked at behind what is not valid, and no condition either.
  const auto invalid = std::ranges::find_if(errors, [](const auto& error) {
    return error && error->code != "ConditionalCheckFailedException";
  });
  for (auto at = errors.begin(); at != errors.end(); ++at) {
    const bool is_seen = invalid == errors.end() || at == invalid;
    detail->cancellation_reasons->push_back(reason_of(is_seen ? *at : std::nullopt));
    if (!codes.empty()) codes += ", ";
    codes += *detail->cancellation_reasons->back().code;
  }
  api::Error made = api::dynamodb::transaction_canceled(
      "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes +
      "]");
  detail->message = made.message;
  made.detail = std::move(detail);
  made.detail_shape = &api::dynamodb::kTransactionCanceledExceptionShape;
  return made;
}

std::string encode_token(std::int64_t expires_ms, std::string_view fingerprint) {
  ByteWriter out;
  out.byte(kTokenVersion);
  out.varint(static_cast<std::uint64_t>(expires_ms));
  out.bytes(fingerprint);
  return out.take();
}

struct StoredToken {
  std::int64_t expires_ms = 0;
  std::string fingerprint;
};
StoredToken decode_token(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.byte() != kTokenVersion) return {};
  StoredToken token;
  token.expires_ms = static_cast<std::int64_t>(in.varint());
  token.fingerprint = in.bytes();
  return token;
}

}  // namespace

// Locks of several lanes, taken in the order (lane, key) by everybody, so that nobody waits in a
// circle. Given back lane by lane, each on its own core.
struct Writer::Held {
  std::vector<std::pair<std::size_t, KeyLocks::Lock>> locks;
};

async::Task<void> Writer::lock_all(std::vector<std::pair<std::size_t, std::string>> wanted,
                                   Held& held) {
  std::ranges::sort(wanted);
  const auto twice = std::ranges::unique(wanted);
  wanted.erase(twice.begin(), twice.end());
  for (auto& [number, key] : wanted) {
    Lane& lane = lanes_.at(number);
    co_await async::on(*lane.core);
    auto lock = co_await lane.locks.acquire(std::move(key));
    lane.groups.submit();  // what is read from here on is in the store
    held.locks.emplace_back(number, std::move(lock));
  }
}

async::Task<void> Writer::release_all(Held& held) {
  while (!held.locks.empty()) {
    co_await async::on(*lanes_.at(held.locks.back().first).core);
    held.locks.pop_back();
  }
}

async::Task<api::Outcome<std::vector<Written>>> Writer::transact(std::vector<TableWrite> writes,
                                                                 std::optional<Token> token) {
  std::vector<std::optional<api::Error>> errors(writes.size());
  std::vector<Place> places(writes.size());
  std::vector<std::pair<std::size_t, std::string>> wanted;
  bool wrong = false;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const auto definition = writes[i].table->definition();
    errors[i] = check_write(*definition, writes[i].write);
    if (errors[i]) {
      wrong = true;
      continue;
    }
    places[i] = place_of(*definition, writes[i].write.item);
    wanted.emplace_back(lanes_.of(places[i].hash).number, places[i].key);
  }
  if (wrong) co_return std::unexpected(cancelled(errors));
  auto distinct = wanted;
  std::ranges::sort(distinct);
  if (std::ranges::adjacent_find(distinct) != distinct.end())
    co_return refuse("Transaction request cannot include multiple operations on one item");
  if (token) wanted.emplace_back(0, token->key);

  async::Core* const home = async::Core::current();
  Held held;
  co_await lock_all(std::move(wanted), held);
  co_await async::on(*lanes_.at(0).core);
  // Answers once submitted; `sequence` is what the answer rests on.
  auto result = co_await transact_locked(writes, places, token);
  const store::Sequence sequence = store_.applied();
  co_await release_all(held);
  const auto settled = co_await settle(sequence);
  if (home != nullptr) co_await async::on(*home);
  if (!settled) co_return std::unexpected(internal(settled.error()));
  co_return result;
}

async::Task<api::Outcome<std::vector<Written>>> Writer::transact_locked(
    std::vector<TableWrite>& writes, const std::vector<Place>& places,
    const std::optional<Token>& token) {
  const std::int64_t now_ms = base::to_epoch_ms(clock_.now());
  if (token) {
    auto stored = co_await store_.get(token->key);
    if (!stored) co_return std::unexpected(internal(stored.error()));
    const StoredToken known = *stored ? decode_token(**stored) : StoredToken();
    if (known.expires_ms > now_ms) {
      if (known.fingerprint == token->fingerprint) co_return std::vector<Written>(writes.size());
      co_return std::unexpected(
          api::dynamodb::idempotent_parameter_mismatch("Idempotent request parameter mismatch"));
    }
  }
  std::vector<std::optional<api::Error>> errors(writes.size());
  std::vector<LazyItem> before(writes.size());
  std::vector<LazyItem> after(writes.size());
  std::vector<std::shared_ptr<const Definition>> definitions;
  bool failed = false;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].table->dropped()) co_return std::unexpected(table_not_found());
    definitions.push_back(writes[i].table->definition());
    auto item = co_await find(places[i].key);
    if (!item) co_return std::unexpected(internal(item.error()));
    before[i] = *std::move(item);
    auto decided = decide(*definitions[i], std::move(writes[i].write), before[i]);
    if (decided) after[i] = *std::move(decided);
    else errors[i] = std::move(decided).error();
    failed = failed || errors[i];
  }
  if (failed) co_return std::unexpected(cancelled(errors));
  store::Batch batch;
  std::map<Table*, Counts> counts;
  std::vector<Written> all(writes.size());
  std::deque<RecentWrites::InFlight> marks;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].write.kind == Write::Kind::kCheck || (!before[i] && !after[i])) continue;
    all[i] = record_change(*definitions[i], places[i].key, std::move(before[i]),
                           std::move(after[i]), batch, counts[writes[i].table.get()]);
    marks.emplace_back(writes[i].table->recent(places[i].hash));
    marks.emplace_back(writes[i].table->recent_of_all());
  }
  for (auto& [table, difference] : counts) table->count(lanes_.size(), difference, batch);
  if (token) batch.put(token->key, encode_token(now_ms + kTokenLifeMs, token->fingerprint));
  if (batch.empty()) co_return all;
  const auto changes = changes_of(definitions, all);
  const auto submitted = submit_changes(store_, sink_, changes, std::move(batch));
  if (!submitted) co_return std::unexpected(internal(submitted.error()));
  for (auto& mark : marks) mark.submitted(*submitted);
  co_return all;
}

async::Task<api::Outcome<std::vector<std::optional<Item>>>> Writer::transact_get(
    std::vector<TableKey> wanted_items) {
  std::vector<std::string> item_keys;
  std::vector<std::pair<std::size_t, std::string>> wanted;
  std::vector<std::optional<api::Error>> errors;
  bool wrong = false;
  for (const TableKey& one : wanted_items) {
    const auto definition = one.table->definition();
    errors.push_back(check_key(definition->keys, one.key));
    wrong = wrong || errors.back();
    if (wrong) continue;
    item_keys.push_back(keys::item(*definition, one.key));
    wanted.emplace_back(lanes_.of(keys::partition_of(item_keys.back())).number, item_keys.back());
  }
  if (wrong) co_return std::unexpected(cancelled(errors));
  auto distinct = wanted;
  std::ranges::sort(distinct);
  if (std::ranges::adjacent_find(distinct) != distinct.end())
    co_return refuse("Transaction request cannot include multiple operations on one item");
  async::Core* const home = async::Core::current();
  Held held;
  co_await lock_all(std::move(wanted), held);
  std::vector<std::optional<Item>> items;
  std::optional<base::Error> failure;
  for (std::string& key : item_keys) {
    auto item = co_await read(std::move(key));
    if (!item) {
      failure = item.error();
      break;
    }
    items.push_back(*std::move(item));
  }
  const store::Sequence seen = store_.applied();
  co_await release_all(held);
  const auto settled = co_await settle(seen);
  if (home != nullptr) co_await async::on(*home);
  if (failure) co_return std::unexpected(internal(*failure));
  if (!settled) co_return std::unexpected(internal(settled.error()));
  co_return items;
}

}  // namespace tables
