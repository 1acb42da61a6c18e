// StreamInfo as JSON: small, rare to change, readable by a person with the store open.
#include <boost/json.hpp>

#include "streamlog/stream_info.h"

namespace streamlog {
namespace {

namespace json = boost::json;

json::value time_value(base::Timestamp time) { return base::to_epoch_ms(time); }
base::Timestamp to_time(const json::value& value) {
  return base::from_epoch_ms(value.to_number<std::int64_t>());
}

json::object tags_value(const std::map<std::string, std::string>& tags) {
  json::object object;
  for (const auto& [key, value] : tags) object[key] = value;
  return object;
}
std::map<std::string, std::string> to_tags(const json::value& value) {
  std::map<std::string, std::string> tags;
  for (const auto& [key, text] : value.as_object()) tags.emplace(key, text.as_string());
  return tags;
}

json::object shard_value(const ShardInfo& shard) {
  json::object object{{"index", shard.index},
                      {"log", shard.log.value()},
                      {"created", time_value(shard.created)},
                      {"start", to_decimal(shard.range.start)},
                      {"end", to_decimal(shard.range.end)}};
  if (shard.parent) object["parent"] = *shard.parent;
  if (shard.adjacent_parent) object["adjacent_parent"] = *shard.adjacent_parent;
  if (shard.last) object["last"] = *shard.last;
  if (shard.closed) object["closed"] = time_value(*shard.closed);
  return object;
}

template <class T>
std::optional<T> optional_number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  return value->to_number<T>();
}

ShardInfo to_shard(const json::object& object) {
  ShardInfo shard;
  shard.index = object.at("index").to_number<std::uint32_t>();
  shard.log = store::LogId(object.at("log").to_number<std::uint64_t>());
  shard.created = to_time(object.at("created"));
  shard.range.start = parse_hash_key(object.at("start").as_string()).value();
  shard.range.end = parse_hash_key(object.at("end").as_string()).value();
  shard.parent = optional_number<std::uint32_t>(object, "parent");
  shard.adjacent_parent = optional_number<std::uint32_t>(object, "adjacent_parent");
  shard.last = optional_number<std::uint64_t>(object, "last");
  if (const json::value* closed = object.if_contains("closed")) shard.closed = to_time(*closed);
  return shard;
}

json::object consumer_value(const ConsumerInfo& consumer) {
  json::object object{{"name", consumer.name},
                      {"created", time_value(consumer.created)},
                      {"tags", tags_value(consumer.tags)}};
  if (!consumer.resource_policy.empty()) object["resource_policy"] = consumer.resource_policy;
  return object;
}

ConsumerInfo to_consumer(const json::object& object) {
  ConsumerInfo consumer;
  consumer.name = object.at("name").as_string();
  consumer.created = to_time(object.at("created"));
  consumer.tags = to_tags(object.at("tags"));
  if (const json::value* policy = object.if_contains("resource_policy"))
    consumer.resource_policy = policy->as_string();
  return consumer;
}

StreamInfo to_stream(const json::object& object) {
  StreamInfo stream;
  stream.key = {std::string(object.at("account").as_string()),
                std::string(object.at("region").as_string()),
                std::string(object.at("name").as_string())};
  stream.id = object.at("id").as_string();
  stream.created = to_time(object.at("created"));
  stream.status = static_cast<StreamStatus>(object.at("status").to_number<int>());
  stream.on_demand = object.at("on_demand").as_bool();
  stream.retention_hours = object.at("retention_hours").to_number<std::uint32_t>();
  stream.record_kib_max = object.at("record_kib_max").to_number<std::uint32_t>();
  stream.encryption_key = object.at("encryption_key").as_string();
  for (const auto& metric : object.at("shard_metrics").as_array())
    stream.shard_metrics.emplace_back(metric.as_string());
  stream.tags = to_tags(object.at("tags"));
  stream.warm_mib = optional_number<std::uint32_t>(object, "warm_mib");
  for (const auto& consumer : object.at("consumers").as_array())
    stream.consumers.push_back(to_consumer(consumer.as_object()));
  stream.resource_policy = object.at("resource_policy").as_string();
  for (const auto& shard : object.at("shards").as_array())
    stream.shards.push_back(to_shard(shard.as_object()));
  return stream;
}

}  // namespace

std::string encode_stream(const StreamInfo& stream) {
  json::array shards;
  for (const ShardInfo& shard : stream.shards) shards.push_back(shard_value(shard));
  json::array consumers;
  for (const ConsumerInfo& consumer : stream.consumers)
    consumers.push_back(consumer_value(consumer));
  json::object object{
      {"version", 1},
      {"account", stream.key.account_id},
      {"region", stream.key.region},
      {"name", stream.key.name},
      {"id", stream.id},
      {"created", time_value(stream.created)},
      {"status", static_cast<int>(stream.status)},
      {"on_demand", stream.on_demand},
      {"retention_hours", stream.retention_hours},
      {"record_kib_max", stream.record_kib_max},
      {"encryption_key", stream.encryption_key},
      {"shard_metrics", json::array(stream.shard_metrics.begin(), stream.shard_metrics.end())},
      {"tags", tags_value(stream.tags)},
      {"consumers", std::move(consumers)},
      {"resource_policy", stream.resource_policy},
      {"shards", std::move(shards)}};
  if (stream.warm_mib) object["warm_mib"] = *stream.warm_mib;
  return json::serialize(object);
}

base::Result<StreamInfo> decode_stream(std::string_view bytes) {
  try {
    return to_stream(json::parse(bytes).as_object());
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("a stream's description: ") + failure.what());
  }
}

}  // namespace streamlog
