#include "changes/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/digest.h"
#include "base/encoding.h"
#include "tables/record.h"

namespace changes {

namespace {

constexpr std::uint8_t kVersion = 1;
// Logs of tables' changes stand apart from those of streams, which count from 1.
constexpr std::uint64_t kLogSpace = 0x54;  // 'T', the highest byte
constexpr std::size_t kTimeDigits = 10, kShardDigits = 3, kPositionDigits = 17;

namespace field {
constexpr std::uint64_t kAccount = 1, kRegion = 2, kTable = 3, kTableId = 4, kHash = 5, kRange = 6,
                        kCapture = 7, kFeed = 8, kEnded = 9, kDestination = 10;
}

std::string key_of(std::string_view kind, const StreamInfo& info) {
  std::string key(kind);
  base::append_u32(key, info.table_id.value());
  base::append_u16(key, info.capture.number);
  return key;
}

std::string attribute(const tables::KeyAttribute& from) {
  tables::ByteWriter out;
  out.byte(static_cast<std::uint8_t>(from.type));
  out.raw(from.name);
  return out.take();
}
tables::KeyAttribute attribute_of(std::string_view bytes) {
  if (bytes.empty()) return {};
  return {std::string(bytes.substr(1)), static_cast<tables::Type>(bytes.front())};
}

void read_field(StreamInfo& made, std::uint64_t tag, std::string_view value) {
  using tables::ByteReader;
  if (tag == field::kAccount) made.account = value;
  if (tag == field::kRegion) made.region = value;
  if (tag == field::kTable) made.table = value;
  if (tag == field::kTableId)
    made.table_id = tables::TableId(static_cast<std::uint32_t>(ByteReader::number(value)));
  if (tag == field::kHash) made.keys.hash = attribute_of(value);
  if (tag == field::kRange) made.keys.range = attribute_of(value);
  if (tag == field::kCapture) made.capture = tables::decode_capture(value);
  if (tag == field::kFeed) made.feed = ByteReader::number(value) != 0;
  if (tag == field::kDestination) made.destination = value;
  if (tag == field::kEnded)
    made.ended = base::from_epoch_ms(static_cast<std::int64_t>(ByteReader::number(value)));
}

}  // namespace

std::string StreamName::arn() const {
  return tables::table_arn(account, region, table) + "/stream/" + label;
}

std::optional<StreamName> parse_stream_arn(std::string_view arn) {
  constexpr std::string_view kStart = "arn:aws:dynamodb:";
  constexpr std::string_view kTable = "table/";
  constexpr std::string_view kStream = "/stream/";
  if (!arn.starts_with(kStart)) return std::nullopt;
  arn.remove_prefix(kStart.size());
  const auto take = [&arn](std::size_t end) {
    const std::string part(arn.substr(0, end));
    arn.remove_prefix(std::min(arn.size(), end == std::string_view::npos ? end : end + 1));
    return part;
  };
  StreamName made;
  made.region = take(arn.find(':'));
  made.account = take(arn.find(':'));
  const std::size_t at = arn.find(kStream);
  if (!arn.starts_with(kTable) || at == std::string_view::npos) return std::nullopt;
  made.table = arn.substr(kTable.size(), at - kTable.size());
  made.label = arn.substr(at + kStream.size());
  if (made.table.empty() || made.label.empty() || made.region.empty()) return std::nullopt;
  return made;
}

StreamName StreamInfo::name() const { return {account, region, table, label_of(capture)}; }

store::LogId StreamInfo::log(std::size_t shard) const {
  return store::LogId(kLogSpace << 56U | std::uint64_t{table_id.value()} << 24U |
                      std::uint64_t{capture.number} << 8U | shard);
}

std::string StreamInfo::shard_id(std::size_t shard) const {
  std::string place;
  base::append_u64(place, log(shard).value());
  return fmt::format("shardId-{:020}-{}", base::to_epoch_ms(capture.created),
                     base::hex(base::sha256(place)).substr(0, 8));
}

std::optional<std::size_t> StreamInfo::parse_shard_id(std::string_view id) const {
  for (std::size_t i = 0; i < capture.shards; ++i) {
    if (shard_id(i) == id) return i;
  }
  return std::nullopt;
}

std::string StreamInfo::sequence_number(std::size_t shard, Position position) const {
  return fmt::format("{:010}{:03}{:017}", base::to_epoch_ms(capture.created) / 1000, shard,
                     position);
}

std::optional<Position> StreamInfo::parse_sequence_number(std::size_t shard,
                                                          std::string_view text) const {
  const std::string start = sequence_number(shard, 0).substr(0, kTimeDigits + kShardDigits);
  if (text.size() != start.size() + kPositionDigits || !text.starts_with(start))
    return std::nullopt;
  text.remove_prefix(start.size());
  Position position = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return position;
}

std::string StreamInfo::event_id(std::size_t shard, Position position) const {
  std::string place;
  base::append_u64(place, log(shard).value());
  base::append_u64(place, position);
  return base::hex(base::sha256(place)).substr(0, 32);
}

std::string stream_key(const StreamInfo& info) { return key_of("Ts", info); }

std::string all_feed_keys(const StreamInfo& info) { return key_of("Tf", info); }

std::string feed_key(const StreamInfo& info, std::size_t shard) {
  std::string key = all_feed_keys(info);
  key += static_cast<char>(shard);
  return key;
}

std::string encode_stream(const StreamInfo& info) {
  tables::ByteWriter out;
  out.byte(kVersion);
  out.field(field::kAccount, info.account);
  out.field(field::kRegion, info.region);
  out.field(field::kTable, info.table);
  out.field(field::kTableId, info.table_id.value());
  out.field(field::kHash, attribute(info.keys.hash));
  if (info.keys.range) out.field(field::kRange, attribute(*info.keys.range));
  out.field(field::kCapture, tables::encode_capture(info.capture));
  out.field(field::kFeed, info.feed ? 1U : 0U);
  if (info.feed) out.field(field::kDestination, info.destination);
  if (info.ended)
    out.field(field::kEnded, static_cast<std::uint64_t>(base::to_epoch_ms(*info.ended)));
  return out.take();
}

base::Result<StreamInfo> decode_stream(std::string_view bytes) {
  tables::ByteReader in(bytes);
  if (in.byte() != kVersion || in.bad())
    return base::error(base::ErrorCode::kCorruption, "a table's stream of an unknown version");
  StreamInfo made;
  while (!in.done()) {
    const std::uint64_t tag = in.varint();
    read_field(made, tag, in.bytes());
  }
  if (in.bad() || made.table.empty() || made.capture.shards == 0)
    return base::error(base::ErrorCode::kCorruption, "a table's stream that is not whole");
  return made;
}

Stream::Stream(StreamInfo info, store::Store& store)
    : info_(std::move(info)), over_(info_.ended.has_value()) {
  for (std::size_t i = 0; i < info_.capture.shards; ++i)
    shards_.push_back(std::make_unique<Shard>(info_.log(i), store));
}

void Stream::end() {
  over_.store(true, std::memory_order_release);
  for (const auto& shard : shards_) shard->tail().notify();
}

}  // namespace changes
