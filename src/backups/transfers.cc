#include "backups/transfers.h"

#include "backups/keys.h"
#include "wire/json_codec.h"

namespace backups {

bool is_transfer_id(std::string_view text) {
  constexpr std::size_t kTimeDigits = 14;
  return text.size() > kTimeDigits + 1 && text[kTimeDigits] == '-' &&
         text.find_first_not_of("0123456789") == kTimeDigits &&
         text.find_first_not_of("0123456789abcdef", kTimeDigits + 1) == std::string_view::npos;
}

namespace {

namespace d = api::dynamodb;

constexpr std::string_view kInterruptedCode = "InternalServerError";
constexpr std::string_view kInterrupted = "The server was stopped before this was done.";

const api::Shape& shape_of(const d::ExportDescription&) { return d::kExportDescriptionShape; }
const api::Shape& shape_of(const d::ImportTableDescription&) {
  return d::kImportTableDescriptionShape;
}
std::optional<std::string>& status_of(d::ExportDescription& one) { return one.export_status; }
std::optional<std::string>& status_of(d::ImportTableDescription& one) { return one.import_status; }

template <class Description>
base::Result<Description> decode(std::string_view row) {
  const Description none;
  auto decoded = wire::decode_json<Description>(row, shape_of(none), wire::JsonFlavour::kDynamo);
  if (!decoded)
    return base::error(base::ErrorCode::kCorruption, "an export or import that is not whole");
  return *std::move(decoded);
}

}  // namespace

template <class Description>
void Transfers<Description>::put(const PartArn& arn, const Description& description,
                                 store::Batch& batch) const {
  batch.put(keys::one_of(kind_, arn.account, arn.region, arn.id),
            wire::encode_json(shape_of(description), &description));
}

template <class Description>
async::Task<base::Status> Transfers<Description>::save(PartArn arn, Description description) {
  store::Batch batch;
  put(arn, description, batch);
  base::Status stored = co_await store_.commit(std::move(batch));
  co_return stored;
}

template <class Description>
async::Task<base::Result<std::optional<Description>>> Transfers<Description>::find(PartArn arn) {
  const auto row = co_await store_.get(keys::one_of(kind_, arn.account, arn.region, arn.id));
  if (!row) co_return std::unexpected(row.error());
  const auto durable = co_await store_.durable(store_.applied());
  if (!durable) co_return std::unexpected(durable.error());
  if (!*row) co_return std::optional<Description>();
  auto found = decode<Description>(**row);
  if (!found) co_return std::unexpected(found.error());
  if (found->table_arn != tables::table_arn(arn.account, arn.region, arn.table))
    co_return std::optional<Description>();
  co_return std::optional<Description>(*std::move(found));
}

template <class Description>
async::Task<base::Result<typename Transfers<Description>::Page>> Transfers<Description>::list(
    std::string account, std::string region, std::string table_arn, std::string after,
    std::size_t limit) {
  const std::string prefix = keys::all_of(kind_, account, region);
  const std::string to = store::prefix_end(prefix);
  std::string from = after.empty() ? prefix : prefix + after + '\0';
  Page found;
  for (;;) {
    const auto rows = co_await store_.scan(from, to, {.limit = 200});
    if (!rows) co_return std::unexpected(rows.error());
    const auto durable = co_await store_.durable(store_.applied());
    if (!durable) co_return std::unexpected(durable.error());
    for (const store::KeyValue& row : *rows) {
      auto one = decode<Description>(row.value);
      if (!one) co_return std::unexpected(one.error());
      if (!table_arn.empty() && one->table_arn != table_arn) continue;
      if (found.entries.size() == limit) {
        found.more = true;
        co_return found;
      }
      found.entries.emplace_back(row.key.substr(prefix.size()), *std::move(one));
    }
    if (rows->empty()) co_return found;
    from = rows->back().key + '\0';
  }
}

template <class Description>
async::Task<base::Result<std::optional<Description>>> Transfers<Description>::find_token(
    std::string account, std::string region, std::string token) {
  const std::string prefix = keys::all_of(kind_, account, region);
  std::string to = store::prefix_end(prefix);
  for (;;) {
    const auto rows = co_await store_.scan(prefix, to, {.limit = 200, .reverse = true});
    if (!rows) co_return std::unexpected(rows.error());
    for (const store::KeyValue& row : *rows) {
      auto one = decode<Description>(row.value);
      if (!one) co_return std::unexpected(one.error());
      if (one->client_token == token) co_return std::optional<Description>(*std::move(one));
    }
    if (rows->empty()) co_return std::optional<Description>();
    to = rows->back().key;
  }
}

template <class Description>
async::Task<base::Status> Transfers<Description>::open(base::Timestamp now) {
  const std::string prefix = std::string("B") + kind_;
  const std::string to = store::prefix_end(prefix);
  std::string from = prefix;
  for (;;) {
    const auto rows = co_await store_.scan(from, to, {.limit = 200});
    if (!rows) co_return std::unexpected(rows.error());
    if (rows->empty()) co_return base::Status();
    store::Batch batch;
    for (const store::KeyValue& row : *rows) {
      auto one = decode<Description>(row.value);
      if (!one) co_return std::unexpected(one.error());
      if (one->start_time.value_or(now) + kTransferLife < now) {
        batch.erase(row.key);
        continue;
      }
      if (status_of(*one) != "IN_PROGRESS") continue;
      status_of(*one) = "FAILED";
      one->failure_code = std::string(kInterruptedCode);
      one->failure_message = std::string(kInterrupted);
      one->end_time = now;
      batch.put(row.key, wire::encode_json(shape_of(*one), &*one));
    }
    if (!batch.empty()) {
      const auto stored = co_await store_.commit(std::move(batch));
      if (!stored) co_return stored;
    }
    from = rows->back().key + '\0';
  }
}

template class Transfers<api::dynamodb::ExportDescription>;
template class Transfers<api::dynamodb::ImportTableDescription>;

}  // namespace backups
