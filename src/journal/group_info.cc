// GroupInfo as JSON: small, rare to change, readable by a person with the store open.
#include "journal/group_info.h"

#include <boost/json.hpp>

namespace journal {
namespace {

namespace json = boost::json;

GroupInfo to_group(const json::object& object) {
  GroupInfo group;
  group.key = {std::string(object.at("account").as_string()),
               std::string(object.at("region").as_string()),
               std::string(object.at("name").as_string())};
  group.id = object.at("id").to_number<std::uint64_t>();
  group.created = base::from_epoch_ms(object.at("created").to_number<std::int64_t>());
  group.retention_days = object.at("retention_days").to_number<std::uint32_t>();
  group.log_class = object.at("log_class").as_string();
  group.kms_key_id = object.at("kms_key_id").as_string();
  group.deletion_protected = object.at("deletion_protected").as_bool();
  for (const auto& [key, value] : object.at("tags").as_object())
    group.tags.emplace(key, value.as_string());
  return group;
}

}  // namespace

std::string GroupKey::arn() const {
  return "arn:aws:logs:" + region + ":" + account_id + ":log-group:" + name;
}

base::Timestamp GroupInfo::expired_before(base::Timestamp now) const {
  if (retention_days == 0) return {};
  return now - std::chrono::days(retention_days);
}

std::string encode_group(const GroupInfo& group) {
  json::object tags;
  for (const auto& [key, value] : group.tags) tags[key] = value;
  const json::object object{{"version", 1},
                            {"account", group.key.account_id},
                            {"region", group.key.region},
                            {"name", group.key.name},
                            {"id", group.id},
                            {"created", base::to_epoch_ms(group.created)},
                            {"retention_days", group.retention_days},
                            {"log_class", group.log_class},
                            {"kms_key_id", group.kms_key_id},
                            {"deletion_protected", group.deletion_protected},
                            {"tags", std::move(tags)}};
  return json::serialize(object);
}

base::Result<GroupInfo> decode_group(std::string_view bytes) {
  try {
    return to_group(json::parse(bytes).as_object());
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("a log group's description: ") + failure.what());
  }
}

}  // namespace journal
