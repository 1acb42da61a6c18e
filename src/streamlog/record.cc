#include "streamlog/record.h"

#include "base/encoding.h"

namespace streamlog {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes =
    1 + 8 + 2;  // version, arrival in ms, length of the partition key

base::Status check_head(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes[0] != kVersion)
    return base::error(base::ErrorCode::kCorruption, "a stream record with an unknown head");
  return {};
}

}  // namespace

store::NewEntry encode_record(NewRecord record, base::Timestamp arrival) {
  std::string head(1, kVersion);
  base::append_u64(head, static_cast<std::uint64_t>(base::to_epoch_ms(arrival)));
  base::append_u16(head, static_cast<std::uint16_t>(record.partition_key.size()));
  return {.pieces = {std::move(head), std::move(record.partition_key), std::move(record.data)}};
}

base::Result<base::Timestamp> arrival_of(std::string_view bytes) {
  RETURN_IF_ERROR(check_head(bytes));
  return base::from_epoch_ms(static_cast<std::int64_t>(base::read_u64(bytes.substr(1))));
}

base::Result<Record> decode_record(Position position, std::string bytes) {
  ASSIGN_OR_RETURN(const base::Timestamp arrival, arrival_of(bytes));
  const std::size_t key_bytes = base::read_u16(std::string_view(bytes).substr(9));
  if (bytes.size() - kHeadBytes < key_bytes)
    return base::error(base::ErrorCode::kCorruption, "a stream record cut in its partition key");
  Record record{.position = position,
                .arrival = arrival,
                .partition_key = bytes.substr(kHeadBytes, key_bytes),
                .data = {}};
  bytes.erase(0, kHeadBytes + key_bytes);
  record.data = std::move(bytes);
  return record;
}

}  // namespace streamlog
