// GetShardIterator, GetRecords.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "services/dynamodbstreams/dynamodbstreams.h"

namespace services::dynamodbstreams {

namespace {

namespace json = boost::json;
using changes::Position;

// What a shard iterator says: the place, and when it was made. Its text has the form of AWS's, the
// stream's ARN, a version and what is sealed.
struct Iterator {
  changes::StreamName stream;
  std::size_t shard = 0;
  Position position = 0;
  base::Timestamp made;
};

constexpr std::string_view kIteratorVersion = "|1|";

std::string seal(const Deps& deps, const Iterator& it) {
  const std::string arn = it.stream.arn();
  const std::string plain =
      json::serialize(json::array{arn, it.shard, it.position, base::to_epoch_ms(it.made)});
  return arn + std::string(kIteratorVersion) + deps.sealer.seal(plain);
}

std::optional<Iterator> unseal(const Deps& deps, const std::string& token) {
  const std::size_t at = token.find(kIteratorVersion);
  if (at == std::string::npos) return std::nullopt;
  const auto plain = deps.sealer.open(token.substr(at + kIteratorVersion.size()));
  if (!plain) return std::nullopt;
  boost::system::error_code failure;
  const json::value value = json::parse(*plain, failure);
  const json::array* const parts = value.if_array();
  if (failure || parts == nullptr || parts->size() != 4) return std::nullopt;
  const std::string arn((*parts)[0].as_string());
  auto name = changes::parse_stream_arn(arn);
  if (!name || token.substr(0, at) != arn) return std::nullopt;
  return Iterator{.stream = *std::move(name),
                  .shard = (*parts)[1].to_number<std::size_t>(),
                  .position = (*parts)[2].to_number<Position>(),
                  .made = base::from_epoch_ms((*parts)[3].to_number<std::int64_t>())};
}

api::Error trimmed() {
  return s::trimmed_data_access("The data you are trying to access has been trimmed");
}

// Where an iterator of this type begins.
Answer<Position> position_of(const changes::Stream& stream, std::size_t index,
                             const s::GetShardIteratorInput& input) {
  const changes::Shard& shard = stream.shard(index);
  const std::string& type = *input.shard_iterator_type;
  const bool numbered = type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER";
  if (numbered != input.sequence_number.has_value())
    co_return std::unexpected(validation(
        numbered ? "SequenceNumber must be specified for ShardIteratorType " + type
                 : "SequenceNumber must not be specified for ShardIteratorType " + type));
  if (type == "TRIM_HORIZON") co_return shard.first();
  if (type == "LATEST") {
    const auto end = co_await shard.end();
    if (!end) co_return std::unexpected(api::internal_failure());
    co_return *end;
  }
  const auto given = stream.info().parse_sequence_number(index, *input.sequence_number);
  if (!given)
    co_return std::unexpected(validation("Invalid SequenceNumber: " + *input.sequence_number));
  const Position wanted = type == "AT_SEQUENCE_NUMBER" ? std::max<Position>(*given, 1) : *given + 1;
  if (wanted < shard.first()) co_return std::unexpected(trimmed());
  co_return wanted;
}

Answer<s::GetShardIteratorOutput> get_shard_iterator(const Deps& deps, const Context&,
                                                     s::GetShardIteratorInput input) {
  const auto name = stream_name(*input.stream_arn);
  if (!name) co_return std::unexpected(name.error());
  const auto stream = find_stream(deps, *name);
  if (!stream) co_return std::unexpected(stream.error());
  const auto index = (*stream)->info().parse_shard_id(*input.shard_id);
  if (!index) co_return std::unexpected(no_shard(*name, *input.shard_id));
  const auto position = co_await position_of(**stream, *index, input);
  if (!position) co_return std::unexpected(position.error());
  s::GetShardIteratorOutput output;
  output.shard_iterator = seal(
      deps, {.stream = *name, .shard = *index, .position = *position, .made = deps.clock.now()});
  co_return output;
}

// The values of the two services have the same members, in the same order.
s::AttributeValue converted(tables::Value from) {
  using To = s::AttributeValue;
  switch (from.member()) {
    case tables::Type::kS: return To::of_s(std::move(from.s()));
    case tables::Type::kN: return To::of_n(std::move(from.n()));
    case tables::Type::kB: return To::of_b(std::move(from.b()));
    case tables::Type::kSS: return To::of_ss(std::move(from.ss()));
    case tables::Type::kNS: return To::of_ns(std::move(from.ns()));
    case tables::Type::kBS: return To::of_bs(std::move(from.bs()));
    case tables::Type::kM: {
      std::map<std::string, To> members;
      for (auto& [name, value] : from.m()) members.emplace(name, converted(std::move(value)));
      return To::of_m(std::move(members));
    }
    case tables::Type::kL: {
      std::vector<To> elements;
      for (auto& value : from.l()) elements.push_back(converted(std::move(value)));
      return To::of_l(std::move(elements));
    }
    case tables::Type::kNULL: return To::of_null(from.null());
    case tables::Type::kBOOL: return To::of_bool(from.bool_());
    case tables::Type::kNone: break;
  }
  return {};
}

std::map<std::string, s::AttributeValue> converted(tables::Item item) {
  std::map<std::string, s::AttributeValue> made;
  for (auto& [name, value] : item) made.emplace_hint(made.end(), name, converted(std::move(value)));
  return made;
}

s::Record render(const changes::StreamInfo& info, std::size_t shard, changes::Record record) {
  s::Record made;
  made.event_id = info.event_id(shard, record.position);
  made.event_name = std::string(changes::name_of(record.kind));
  made.event_version = "1.1";
  made.event_source = "aws:dynamodb";
  made.aws_region = info.region;
  if (record.expired)
    made.user_identity = s::Identity{.principal_id = "dynamodb.amazonaws.com", .type = "Service"};
  auto& change = made.dynamodb.emplace();
  change.size_bytes = static_cast<std::int64_t>(record.bytes());
  change.approximate_creation_date_time = std::chrono::floor<std::chrono::seconds>(record.created);
  change.keys = converted(std::move(record.keys));
  if (record.after) change.new_image = converted(*std::move(record.after));
  if (record.before) change.old_image = converted(*std::move(record.before));
  change.sequence_number = info.sequence_number(shard, record.position);
  change.stream_view_type = std::string(tables::name_of(info.capture.view));
  return made;
}

api::Error expired(base::Timestamp made, base::Timestamp now) {
  const auto text = [](base::Timestamp time) {
    return fmt::format("{:%a %b %d %H:%M:%S} UTC {:%Y}",
                       std::chrono::time_point_cast<std::chrono::seconds>(time),
                       std::chrono::time_point_cast<std::chrono::seconds>(time));
  };
  return s::expired_iterator(fmt::format(
      "Iterator expired. The iterator was created at time {} while right now it is {} which is "
      "further in the future than the tolerated delay of {} milliseconds.",
      text(made), text(now), base::Milliseconds(kIteratorLife).count()));
}

Answer<s::GetRecordsOutput> get_records(const Deps& deps, const Context&,
                                        s::GetRecordsInput input) {
  auto it = unseal(deps, *input.shard_iterator);
  if (!it) co_return std::unexpected(validation("Invalid ShardIterator"));
  const base::Timestamp now = deps.clock.now();
  if (now - it->made > kIteratorLife) co_return std::unexpected(expired(it->made, now));
  const auto stream = find_stream(deps, it->stream);
  if (!stream) co_return std::unexpected(stream.error());
  const changes::StreamInfo& info = (*stream)->info();
  if (it->shard >= info.capture.shards)
    co_return std::unexpected(validation("Invalid ShardIterator"));
  const changes::Shard& shard = (*stream)->shard(it->shard);
  if (it->position < shard.first()) co_return std::unexpected(trimmed());
  // Asked before reading: what came before the end is then surely seen.
  const bool over = (*stream)->is_over();
  auto records = co_await shard.read(
      it->position, static_cast<std::size_t>(input.limit.value_or(kRecordsMax)), kRecordBytesMax);
  if (!records) co_return std::unexpected(api::internal_failure());
  if (!records->empty()) it->position = records->back().position + 1;
  Position end = 0;
  if (over) {
    const auto last = co_await shard.end();
    if (!last) co_return std::unexpected(api::internal_failure());
    end = *last;
  }
  s::GetRecordsOutput output;
  if (!over || it->position < end) {
    it->made = now;
    output.next_shard_iterator = seal(deps, *it);
  }
  auto& shown = output.records.emplace();
  shown.reserve(records->size());
  for (changes::Record& record : *records)
    shown.push_back(render(info, it->shard, std::move(record)));
  co_return output;
}

}  // namespace

void register_readers(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::GetShardIterator>(
      [&deps](const Context&, const s::GetShardIteratorInput& input) -> api::Outcome<wire::Checks> {
        const auto name = stream_name(*input.stream_arn);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{stream_check(deps, "dynamodb:GetShardIterator", *name)};
      },
      [&deps](const Context& context, auto input) {
        return get_shard_iterator(deps, context, std::move(input));
      });
  registry.add<s::op::GetRecords>(
      [&deps](const Context&, const s::GetRecordsInput& input) -> api::Outcome<wire::Checks> {
        if (auto wrong = check_limit(input.limit, kRecordsMax))
          return std::unexpected(*std::move(wrong));
        const auto it = unseal(deps, *input.shard_iterator);
        if (!it) return std::unexpected(validation("Invalid ShardIterator"));
        return wire::Checks{stream_check(deps, "dynamodb:GetRecords", it->stream)};
      },
      [&deps](const Context& context, auto input) {
        return get_records(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodbstreams
