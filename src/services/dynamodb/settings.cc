// Maxima of on-demand tables, warm throughput, encryption: as they are asked for and shown.

#include "tables/settings.h"

#include <fmt/format.h>

#include "api/dynamodb/errors.h"
#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Index;
using tables::invalid_parameter;
using Wrong = std::optional<api::Error>;

// What a new on-demand table serves at once.
constexpr tables::Warm kOnDemandWarm = {.read = 12'000, .write = 4'000};
constexpr std::int64_t kNoMaximum = -1;

// --- maxima --------------------------------------------------------------------------------------

// An empty structure asks for nothing, and stands in nothing's way.
bool gives_any(const std::optional<d::OnDemandThroughput>& wanted) {
  return wanted && (wanted->max_read_request_units || wanted->max_write_request_units);
}
bool gives_any(const std::optional<d::WarmThroughput>& wanted) {
  return wanted && (wanted->read_units_per_second || wanted->write_units_per_second);
}

// `index` empty: the table.
Wrong set_maximum(std::optional<std::int64_t>& slot, const std::optional<std::int64_t>& wanted,
                  const char* name, const std::string& index, bool may_clear) {
  if (!wanted) return std::nullopt;
  if (may_clear && *wanted == kNoMaximum) {
    slot.reset();
    return std::nullopt;
  }
  if (*wanted < 1)
    return invalid_parameter(
        fmt::format("Requested {} for OnDemandThroughput for {} is outside of valid range", name,
                    index.empty() ? "table" : "index : " + index));
  slot = *wanted;
  return std::nullopt;
}

Wrong set_maxima(tables::Maxima& maxima, bool on_demand,
                 const std::optional<d::OnDemandThroughput>& wanted, const std::string& index,
                 bool is_update) {
  if (!gives_any(wanted)) return std::nullopt;
  if (!on_demand)
    return invalid_parameter(fmt::format(
        "{} for OnDemandThroughput{} cannot be specified when {}table BillingMode is PROVISIONED{}",
        wanted->max_read_request_units ? "MaxReadRequestUnits" : "MaxWriteRequestUnits",
        index.empty() ? "" : (is_update ? " for index : " : " for index: ") + index,
        is_update ? "the " : "", is_update ? "" : "."));
  if (auto wrong = set_maximum(maxima.read, wanted->max_read_request_units, "MaxReadRequestUnits",
                               index, is_update))
    return wrong;
  return set_maximum(maxima.write, wanted->max_write_request_units, "MaxWriteRequestUnits", index,
                     is_update);
}

// --- warm throughput -----------------------------------------------------------------------------

tables::Warm served_anyway(bool on_demand, const tables::Throughput& provisioned) {
  if (on_demand) return kOnDemandWarm;
  return {.read = provisioned.read, .write = provisioned.write};
}

Wrong set_warm_units(std::int64_t& slot, const std::optional<std::int64_t>& wanted,
                     std::int64_t least, const char* name, const std::string& place,
                     const std::string& than) {
  if (!wanted) return std::nullopt;
  if (*wanted < least)
    return invalid_parameter(
        fmt::format("Requested {} for WarmThroughput for {} is lower than {}", name, place, than));
  slot = *wanted;
  return std::nullopt;
}

Wrong set_warm(tables::Warm& warm, bool on_demand, const tables::Throughput& provisioned,
               const std::optional<d::WarmThroughput>& wanted, const std::string& index,
               bool is_update) {
  if (!wanted) return std::nullopt;
  const std::string place = index.empty() ? "table" : "index " + index;
  const tables::Warm least =
      is_update ? shown_warm(on_demand, provisioned, warm) : served_anyway(on_demand, provisioned);
  const auto than = [&](const char* provisioned_name) -> std::string {
    if (is_update) return "current WarmThroughput, decreasing WarmThroughput is not supported";
    if (on_demand)
      return "initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/"
             "latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial";
    return std::string(provisioned_name) + " of ProvisionedThroughput";
  };
  if (auto wrong = set_warm_units(warm.read, wanted->read_units_per_second, least.read,
                                  "ReadUnitsPerSecond", place, than("ReadCapacityUnits")))
    return wrong;
  return set_warm_units(warm.write, wanted->write_units_per_second, least.write,
                        "WriteUnitsPerSecond", place, than("WriteCapacityUnits"));
}

// --- encryption ----------------------------------------------------------------------------------

std::string key_arn(const Definition& table, const std::optional<std::string>& key) {
  if (key && key->starts_with("arn:")) return *key;
  const std::string start = fmt::format("arn:aws:kms:{}:{}:", table.region, table.account);
  if (!key) return start + "alias/aws/dynamodb";
  return start + (key->starts_with("alias/") ? "" : "key/") + *key;
}

Wrong set_encryption(Definition& table, const std::optional<d::SSESpecification>& wanted,
                     bool is_update) {
  if (!wanted) return std::nullopt;
  const bool enabled = wanted->enabled.value_or(wanted->sse_type == "KMS");
  if (!enabled && wanted->sse_type)
    return invalid_parameter("SSEType can not be specified if Enabled is false");
  if (!enabled && wanted->kms_master_key_id)
    return invalid_parameter("KMSMasterKeyId can not be specified if Enabled is false");
  if (wanted->sse_type == "AES256") return invalid_parameter("SSEType AES256 is not supported");
  if (wanted->kms_master_key_id && !wanted->sse_type)
    return invalid_parameter("SSEType KMS is required if KMSMasterKeyId is specified");
  const std::string arn = enabled ? key_arn(table, wanted->kms_master_key_id) : "";
  // Only the very ARN counts as the same key; by any other name it is set anew.
  if (is_update && enabled && wanted->kms_master_key_id == table.encryption.key_arn)
    return invalid_parameter(
        "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if "
        "you want to change Master Key");
  if (is_update && !enabled && table.encryption.key_arn.empty())
    return invalid_parameter("Table is already encrypted by default");
  table.encryption.key_arn = arn;
  return std::nullopt;
}

}  // namespace

tables::Warm shown_warm(bool on_demand, const tables::Throughput& provisioned,
                        const tables::Warm& asked) {
  const tables::Warm anyway = served_anyway(on_demand, provisioned);
  return {.read = std::max(anyway.read, asked.read), .write = std::max(anyway.write, asked.write)};
}

std::optional<api::Error> read_index_settings(
    const Definition& table, Index& index,
    const std::optional<d::OnDemandThroughput>& on_demand_throughput,
    const std::optional<d::WarmThroughput>& warm_throughput) {
  if (auto wrong =
          set_maxima(index.maxima, table.on_demand, on_demand_throughput, index.name, false))
    return wrong;
  return set_warm(index.warm, table.on_demand, index.throughput, warm_throughput, index.name,
                  false);
}

std::optional<api::Error> read_settings(Definition& made, const d::CreateTableInput& input) {
  if (auto wrong = set_maxima(made.maxima, made.on_demand, input.on_demand_throughput, "", false))
    return wrong;
  if (auto wrong =
          set_warm(made.warm, made.on_demand, made.throughput, input.warm_throughput, "", false))
    return wrong;
  if (auto wrong = set_encryption(made, input.sse_specification, false)) return wrong;
  if (!input.resource_policy) return std::nullopt;
  auto policy = read_policy(*input.resource_policy, PolicyOf::kTable);
  if (!policy) return std::move(policy).error();
  made.policy = *std::move(policy);
  return std::nullopt;
}

std::optional<api::Error> check_alone(const d::UpdateTableInput& input) {
  const bool indexes = input.global_secondary_index_updates.has_value();
  const bool billing = input.billing_mode.has_value();
  const bool units = input.provisioned_throughput.has_value();
  const bool stream = input.stream_specification.has_value();
  const bool maxima = gives_any(input.on_demand_throughput);
  const bool warm = gives_any(input.warm_throughput);
  const int given = int(indexes) + int(billing) + int(units) +
                    int(input.sse_specification.has_value()) + int(stream) +
                    int(input.table_class.has_value()) +
                    int(input.deletion_protection_enabled.has_value()) + int(maxima) + int(warm);
  const auto alone = [](const char* what) {
    return invalid_parameter(std::string(what) + " must be the only operation in the request");
  };
  if (input.sse_specification && given > 1) return alone("Server-Side Encryption modification");
  if (input.table_class && given > 1) return alone("TableClass modification");
  if (input.deletion_protection_enabled && given > 1)
    return alone("DeletionProtection modification");
  if (maxima && given > 1 + int(billing))
    return invalid_parameter(
        "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request");
  if (warm && given > 1 + int(indexes)) return alone("WarmThroughput");
  if (stream && (units || input.billing_mode == "PROVISIONED"))
    return invalid_parameter("You cannot modify stream status while updating table IOPS");
  return std::nullopt;
}

std::optional<api::Error> change_settings(Definition& edited, const d::UpdateTableInput& input) {
  if (!edited.on_demand) {
    edited.maxima = {};
    for (Index& index : edited.indexes) index.maxima = {};
  }
  if (auto wrong =
          set_maxima(edited.maxima, edited.on_demand, input.on_demand_throughput, "", true))
    return wrong;
  if (auto wrong = set_warm(edited.warm, edited.on_demand, edited.throughput, input.warm_throughput,
                            "", true))
    return wrong;
  return set_encryption(edited, input.sse_specification, true);
}

std::optional<api::Error> change_index_settings(const Definition& table, Index& index,
                                                const d::UpdateGlobalSecondaryIndexAction& wanted) {
  if (auto wrong =
          set_maxima(index.maxima, table.on_demand, wanted.on_demand_throughput, index.name, true))
    return wrong;
  return set_warm(index.warm, table.on_demand, index.throughput, wanted.warm_throughput, index.name,
                  true);
}

std::optional<d::OnDemandThroughput> describe_maxima(const tables::Maxima& maxima) {
  if (maxima.empty()) return std::nullopt;
  d::OnDemandThroughput made;
  made.max_read_request_units = maxima.read;
  made.max_write_request_units = maxima.write;
  return made;
}

std::optional<d::SSEDescription> describe_encryption(const Definition& definition) {
  if (definition.encryption.key_arn.empty()) return std::nullopt;
  d::SSEDescription made;
  made.status = "ENABLED";
  made.sse_type = "KMS";
  made.kms_master_key_arn = definition.encryption.key_arn;
  return made;
}

}  // namespace services::dynamodb
