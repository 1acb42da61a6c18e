#include "tables/definition.h"

#include <algorithm>

#include "tables/record.h"

namespace tables {

namespace {

constexpr std::uint8_t kVersion = 1;

// Field numbers: part of the format.
namespace field {
constexpr std::uint64_t kAccount = 1, kRegion = 2, kName = 3, kUuid = 4, kId = 5, kHash = 6,
                        kRange = 7, kAttribute = 8, kIndex = 9, kNextIndex = 10, kOnDemand = 11,
                        kOnDemandSince = 12, kThroughput = 13, kCreated = 14, kTableClass = 15,
                        kDeletionProtection = 16, kTtlAttribute = 17, kTtlEnabled = 18, kTag = 19,
                        kTtlFilled = 20, kStream = 30, kFeed = 31, kDestination = 32,
                        kNextCapture = 33, kLastCapture = 34, kPolicy = 40, kStreamPolicy = 41,
                        kMaxima = 42, kWarm = 43, kKeyArn = 44, kInsights = 45, kPointInTime = 60,
                        kHistory = 61, kPicture = 62, kOrigin = 63;
}  // namespace field
namespace index_field {
constexpr std::uint64_t kName = 1, kId = 2, kGlobal = 3, kHash = 4, kRange = 5, kProjection = 6,
                        kIncluded = 7, kThroughput = 8, kState = 9, kMoreHash = 10, kMoreRange = 11,
                        kMaxima = 12, kWarm = 13, kInsights = 14;
}  // namespace index_field
namespace throughput_field {
constexpr std::uint64_t kRead = 1, kWrite = 2, kDecreases = 3, kIncrease = 4, kDecrease = 5;
}  // namespace throughput_field

std::uint64_t ms(base::Timestamp time) {
  return static_cast<std::uint64_t>(base::to_epoch_ms(time));
}
base::Timestamp time_of(std::string_view bytes) {
  return base::from_epoch_ms(static_cast<std::int64_t>(ByteReader::number(bytes)));
}

std::string encode(const KeyAttribute& attribute) {
  ByteWriter out;
  out.byte(static_cast<std::uint8_t>(attribute.type));
  out.raw(attribute.name);
  return out.take();
}

KeyAttribute attribute_of(std::string_view bytes) {
  if (bytes.empty()) return {};
  return {std::string(bytes.substr(1)), static_cast<Type>(bytes.front())};
}

std::string encode(const Throughput& throughput) {
  namespace f = throughput_field;
  ByteWriter out;
  out.field(f::kRead, static_cast<std::uint64_t>(throughput.read));
  out.field(f::kWrite, static_cast<std::uint64_t>(throughput.write));
  out.field(f::kDecreases, static_cast<std::uint64_t>(throughput.decreases_today));
  if (throughput.last_increase) out.field(f::kIncrease, ms(*throughput.last_increase));
  if (throughput.last_decrease) out.field(f::kDecrease, ms(*throughput.last_decrease));
  return out.take();
}

Throughput throughput_of(std::string_view bytes) {
  namespace f = throughput_field;
  Throughput made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    if (tag == f::kRead) made.read = static_cast<std::int64_t>(ByteReader::number(value));
    if (tag == f::kWrite) made.write = static_cast<std::int64_t>(ByteReader::number(value));
    if (tag == f::kDecreases)
      made.decreases_today = static_cast<std::int64_t>(ByteReader::number(value));
    if (tag == f::kIncrease) made.last_increase = time_of(value);
    if (tag == f::kDecrease) made.last_decrease = time_of(value);
  }
  return made;
}

std::string encode(const Index& index) {
  namespace f = index_field;
  ByteWriter out;
  out.field(f::kName, index.name);
  out.field(f::kId, index.id.value());
  out.field(f::kGlobal, index.global ? 1U : 0U);
  out.field(f::kHash, encode(index.keys.hash));
  if (index.keys.range) out.field(f::kRange, encode(*index.keys.range));
  for (const auto& one : index.keys.more_hash) out.field(f::kMoreHash, encode(one));
  for (const auto& one : index.keys.more_range) out.field(f::kMoreRange, encode(one));
  out.field(f::kProjection, static_cast<std::uint64_t>(index.projection.kind));
  for (const auto& name : index.projection.attributes) out.field(f::kIncluded, name);
  out.field(f::kThroughput, encode(index.throughput));
  out.field(f::kState, static_cast<std::uint64_t>(index.state));
  if (!index.maxima.empty()) out.field(f::kMaxima, encode_maxima(index.maxima));
  if (!index.warm.empty()) out.field(f::kWarm, encode_warm(index.warm));
  if (index.insights.updated) out.field(f::kInsights, encode_insights(index.insights));
  return out.take();
}

Index index_of(std::string_view bytes) {
  namespace f = index_field;
  Index made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    if (tag == f::kName) made.name = value;
    if (tag == f::kId) made.id = IndexId(static_cast<std::uint16_t>(ByteReader::number(value)));
    if (tag == f::kGlobal) made.global = ByteReader::number(value) != 0;
    if (tag == f::kHash) made.keys.hash = attribute_of(value);
    if (tag == f::kRange) made.keys.range = attribute_of(value);
    if (tag == f::kMoreHash) made.keys.more_hash.push_back(attribute_of(value));
    if (tag == f::kMoreRange) made.keys.more_range.push_back(attribute_of(value));
    if (tag == f::kProjection)
      made.projection.kind = static_cast<Projection::Kind>(ByteReader::number(value));
    if (tag == f::kIncluded) made.projection.attributes.emplace_back(value);
    if (tag == f::kThroughput) made.throughput = throughput_of(value);
    if (tag == f::kState) made.state = static_cast<Index::State>(ByteReader::number(value));
    if (tag == f::kMaxima) made.maxima = decode_maxima(value);
    if (tag == f::kWarm) made.warm = decode_warm(value);
    if (tag == f::kInsights) made.insights = decode_insights(value);
  }
  return made;
}

void read_field(Definition& made, std::uint64_t tag, std::string_view value) {
  switch (tag) {
    case field::kAccount: made.account = value; return;
    case field::kRegion: made.region = value; return;
    case field::kName: made.name = value; return;
    case field::kUuid: made.uuid = value; return;
    case field::kId:
      made.id = TableId(static_cast<std::uint32_t>(ByteReader::number(value)));
      return;
    case field::kHash: made.keys.hash = attribute_of(value); return;
    case field::kRange: made.keys.range = attribute_of(value); return;
    case field::kAttribute: made.attributes.push_back(attribute_of(value)); return;
    case field::kIndex: made.indexes.push_back(index_of(value)); return;
    case field::kNextIndex:
      made.next_index = IndexId(static_cast<std::uint16_t>(ByteReader::number(value)));
      return;
    case field::kOnDemand: made.on_demand = ByteReader::number(value) != 0; return;
    case field::kOnDemandSince: made.on_demand_since = time_of(value); return;
    case field::kThroughput: made.throughput = throughput_of(value); return;
    case field::kCreated: made.created = time_of(value); return;
    case field::kTableClass: made.table_class = value; return;
    case field::kDeletionProtection:
      made.deletion_protection = ByteReader::number(value) != 0;
      return;
    case field::kTtlAttribute: made.time_to_live.attribute = value; return;
    case field::kTtlEnabled: made.time_to_live.enabled = ByteReader::number(value) != 0; return;
    case field::kTtlFilled: made.time_to_live.filled = ByteReader::number(value) != 0; return;
    case field::kStream: made.stream = decode_capture(value); return;
    case field::kFeed: made.feed = decode_capture(value); return;
    case field::kDestination: made.destinations.push_back(decode_destination(value)); return;
    case field::kNextCapture:
      made.next_capture = static_cast<std::uint16_t>(ByteReader::number(value));
      return;
    case field::kLastCapture: made.last_capture = time_of(value); return;
    case field::kMaxima: made.maxima = decode_maxima(value); return;
    case field::kWarm: made.warm = decode_warm(value); return;
    case field::kKeyArn: made.encryption.key_arn = value; return;
    case field::kInsights: made.insights = decode_insights(value); return;
    case field::kPointInTime: made.point_in_time = decode_point_in_time(value); return;
    case field::kHistory: made.history = decode_capture(value); return;
    case field::kPicture: made.pictures.emplace_back(value); return;
    case field::kOrigin: made.origin = decode_origin(value); return;
    case field::kTag: {
      ByteReader in(value);
      std::string key(in.bytes());
      made.tags[std::move(key)] = std::string(in.bytes());
      return;
    }
    default: return;  // of a later version
  }
}

}  // namespace

bool Index::projects(const KeySchema& table_keys, std::string_view attribute) const {
  if (projection.kind == Projection::Kind::kAll || keys.has(attribute) || table_keys.has(attribute))
    return true;
  return std::ranges::find(projection.attributes, attribute) != projection.attributes.end();
}

std::string table_arn(std::string_view account, std::string_view region, std::string_view name) {
  constexpr std::string_view kStart = "arn:aws:dynamodb:";
  constexpr std::string_view kMiddle = ":table/";
  std::string arn;
  arn.reserve(kStart.size() + region.size() + 1 + account.size() + kMiddle.size() + name.size());
  arn.append(kStart).append(region).append(":").append(account).append(kMiddle).append(name);
  return arn;
}

void Definition::settle_history() {
  const bool wanted = point_in_time.enabled || !pictures.empty();
  if (wanted && !(history && history->enabled)) history = Capture{.view = View::kBoth};
  if (!wanted) history.reset();
}

std::string Definition::arn() const { return table_arn(account, region, name); }
std::string Definition::index_arn(const Index& index) const {
  return arn() + "/index/" + index.name;
}

const Index* Definition::find_index(std::string_view index_name) const {
  const auto found = std::ranges::find(indexes, index_name, &Index::name);
  return found == indexes.end() ? nullptr : &*found;
}

std::string encode_definition(const Definition& definition) {
  ByteWriter out;
  out.byte(kVersion);
  out.field(field::kAccount, definition.account);
  out.field(field::kRegion, definition.region);
  out.field(field::kName, definition.name);
  out.field(field::kUuid, definition.uuid);
  out.field(field::kId, definition.id.value());
  out.field(field::kHash, encode(definition.keys.hash));
  if (definition.keys.range) out.field(field::kRange, encode(*definition.keys.range));
  for (const auto& attribute : definition.attributes)
    out.field(field::kAttribute, encode(attribute));
  for (const auto& index : definition.indexes) out.field(field::kIndex, encode(index));
  out.field(field::kNextIndex, definition.next_index.value());
  out.field(field::kOnDemand, definition.on_demand ? 1U : 0U);
  if (definition.on_demand_since) out.field(field::kOnDemandSince, ms(*definition.on_demand_since));
  out.field(field::kThroughput, encode(definition.throughput));
  out.field(field::kCreated, ms(definition.created));
  out.field(field::kTableClass, definition.table_class);
  out.field(field::kDeletionProtection, definition.deletion_protection ? 1U : 0U);
  out.field(field::kTtlAttribute, definition.time_to_live.attribute);
  out.field(field::kTtlEnabled, definition.time_to_live.enabled ? 1U : 0U);
  out.field(field::kTtlFilled, definition.time_to_live.filled ? 1U : 0U);
  if (definition.stream) out.field(field::kStream, encode_capture(*definition.stream));
  if (definition.feed) out.field(field::kFeed, encode_capture(*definition.feed));
  for (const auto& one : definition.destinations)
    out.field(field::kDestination, encode_destination(one));
  out.field(field::kNextCapture, definition.next_capture);
  if (definition.last_capture) out.field(field::kLastCapture, ms(*definition.last_capture));
  if (!definition.policy.empty()) out.field(field::kPolicy, encode_policy(definition.policy));
  if (!definition.stream_policy.empty())
    out.field(field::kStreamPolicy, encode_policy(definition.stream_policy));
  if (!definition.maxima.empty()) out.field(field::kMaxima, encode_maxima(definition.maxima));
  if (!definition.warm.empty()) out.field(field::kWarm, encode_warm(definition.warm));
  if (!definition.encryption.key_arn.empty())
    out.field(field::kKeyArn, definition.encryption.key_arn);
  if (definition.insights.updated)
    out.field(field::kInsights, encode_insights(definition.insights));
  out.field(field::kPointInTime, encode_point_in_time(definition.point_in_time));
  if (definition.history) out.field(field::kHistory, encode_capture(*definition.history));
  for (const std::string& picture : definition.pictures) out.field(field::kPicture, picture);
  if (definition.origin) out.field(field::kOrigin, encode_origin(*definition.origin));
  for (const auto& [key, value] : definition.tags) {
    ByteWriter tag;
    tag.bytes(key);
    tag.bytes(value);
    out.field(field::kTag, tag.take());
  }
  return out.take();
}

base::Result<Definition> decode_definition(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.byte() != kVersion || in.bad())
    return base::error(base::ErrorCode::kCorruption, "a table definition of an unknown version");
  Definition made;
  while (!in.done()) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    if (tag == field::kPolicy || tag == field::kStreamPolicy) {
      auto& policy = tag == field::kPolicy ? made.policy : made.stream_policy;
      ASSIGN_OR_RETURN(policy, decode_policy(value));
      continue;
    }
    read_field(made, tag, value);
  }
  if (in.bad() || made.name.empty() || made.keys.hash.name.empty())
    return base::error(base::ErrorCode::kCorruption, "a table definition that is not whole");
  return made;
}

std::optional<Item> index_entry(const Definition& definition, const Index& index,
                                const Item& item) {
  const bool absent = index.keys.each([&](const KeyAttribute& key, bool) {
    const auto found = item.find(key.name);
    return found == item.end() || found->second.member() != key.type;
  });
  if (absent) return std::nullopt;
  if (index.projection.kind == Projection::Kind::kAll) return item;
  Item entry;
  for (const auto& [name, value] : item) {
    if (index.projects(definition.keys, name)) entry.emplace_hint(entry.end(), name, value);
  }
  return entry;
}

std::string encode_index_key(const Definition& definition, const Index& index, const Item& entry) {
  std::string key = encode_key(index.keys, entry);
  append_key_value(key, entry.find(definition.keys.hash.name)->second);
  if (definition.keys.range) append_key_value(key, entry.find(definition.keys.range->name)->second);
  return key;
}

std::optional<api::Error> check_index_keys(const Definition& definition, const Item& item) {
  const auto check = [&](const Index& index, const KeyAttribute& key,
                         std::size_t bytes_max) -> std::optional<api::Error> {
    const auto found = item.find(key.name);
    if (found == item.end()) return std::nullopt;
    const Value& value = found->second;
    if (value.member() != key.type)
      return invalid_parameter("Type mismatch for Index Key " + key.name +
                               " Expected: " + std::string(type_name(key.type)) + " Actual: " +
                               std::string(type_name(value)) + " IndexName: " + index.name);
    if (value.is_n()) return std::nullopt;
    const std::string& bytes = value.is_s() ? value.s() : value.b();
    if (bytes.empty())
      return validation(
          std::string(
              "One or more parameter values are not valid. A value specified for a secondary "
              "index key is not supported. The AttributeValue for a key attribute cannot "
              "contain an empty ") +
          (value.is_s() ? "string" : "binary") + " value. IndexName: " + index.name +
          ", IndexKey: " + key.name);
    if (bytes.size() > bytes_max)
      return invalid_parameter(
          bytes_max == kHashKeyBytesMax
              ? "Size of hashkey has exceeded the maximum size limit of2048 bytes"
              : "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
    return std::nullopt;
  };
  for (const bool global : {true, false}) {
    for (const Index& index : definition.indexes) {
      if (index.global != global) continue;
      auto wrong =
          index.keys.each([&](const KeyAttribute& key, bool is_hash) -> std::optional<api::Error> {
            if (is_hash && !global) return std::nullopt;  // the table's own key
            return check(index, key, is_hash ? kHashKeyBytesMax : kRangeKeyBytesMax);
          });
      if (wrong) return wrong;
    }
  }
  return std::nullopt;
}

}  // namespace tables
