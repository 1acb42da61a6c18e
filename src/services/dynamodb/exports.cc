// ExportTableToPointInTime, DescribeExport, ListExports.

#include "backups/exports.h"

#include "api/dynamodb/errors.h"
#include "base/log.h"
#include "base/time_text.h"
#include "services/dynamodb/bucket.h"
#include "services/dynamodb/common.h"

namespace services::dynamodb {

namespace {

using backups::ExportOrder;

constexpr std::size_t kListMax = 25;
// A token means the same export for so long.
constexpr std::chrono::hours kTokenLife{8};
constexpr std::chrono::hours kIncrementMax{24};

api::Error internal(const base::Error& error) {
  base::log_error("dynamodb: {}", error.to_string());
  return api::internal_failure();
}

api::Outcome<backups::PartArn> read_arn(const std::optional<std::string>& arn) {
  const auto parsed = backups::parse_part_arn(arn.value_or(""), "export");
  if (!parsed) return tables::refuse("Invalid Export ARN");
  return *parsed;
}

bool is_same(const std::optional<base::Timestamp>& a, const std::optional<base::Timestamp>& b) {
  return a == b;
}

// A repeated request that asks for something else.
bool is_same(const d::ExportDescription& there, const d::ExportTableToPointInTimeInput& input) {
  const auto from = [](const auto& spec) {
    return spec ? spec->export_from_time : std::optional<base::Timestamp>();
  };
  return there.s3_bucket == input.s3_bucket && there.s3_prefix == input.s3_prefix &&
         there.table_arn == input.table_arn &&
         there.export_format == input.export_format.value_or("DYNAMODB_JSON") &&
         there.export_type == input.export_type.value_or("FULL_EXPORT") &&
         (!input.export_time || is_same(there.export_time, input.export_time)) &&
         is_same(from(there.incremental_export_specification),
                 from(input.incremental_export_specification));
}

std::optional<api::Error> check_time(base::Timestamp wanted, const backups::Window& window,
                                     base::Timestamp now) {
  if (wanted >= window.earliest && wanted <= std::max(now, window.latest)) return std::nullopt;
  return d::invalid_export_time("Export Time is invalid");
}

std::optional<api::Error> read_increment(ExportOrder& order, const backups::Window& window,
                                         base::Timestamp now,
                                         const d::ExportTableToPointInTimeInput& input) {
  const auto& given = input.incremental_export_specification;
  if (input.export_time)
    return tables::validation(
        "One or more parameter values were invalid: ExportTime cannot be specified for an "
        "INCREMENTAL_EXPORT");
  if (!given || !given->export_from_time)
    return tables::validation(
        given
            ? "Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification"
            : "Invalid Request: Incremental Export Specification expected when export type is set "
              "as Incremental Export");
  const base::Timestamp from = *given->export_from_time;
  const base::Timestamp until = std::min(now, given->export_to_time.value_or(from + kIncrementMax));
  if (from < window.earliest)
    return d::invalid_export_time(
        "Incremental export period from time cannot be less than the table creation time : " +
        base::iso8601(from));
  if (given->export_to_time && *given->export_to_time > std::max(now, window.latest))
    return d::invalid_export_time(
        "Incremental export period to time cannot be greater than the current time : " +
        base::iso8601(*given->export_to_time));
  if (from >= until) return d::invalid_export_time("ExportFromTime must be before ExportToTime");
  if (until - from > kIncrementMax)
    return d::invalid_export_time(
        "The time between ExportFromTime and ExportToTime must be at most 24 hours");
  order.from = from;
  order.until = until;
  order.with_old_image = given->export_view_type != "NEW_IMAGE";
  auto& shown = order.description.incremental_export_specification.emplace();
  shown.export_from_time = from;
  shown.export_to_time = until;
  shown.export_view_type = order.with_old_image ? "NEW_AND_OLD_IMAGES" : "NEW_IMAGE";
  return std::nullopt;
}

std::optional<api::Error> read_times(const Deps& deps, const tables::Definition& table,
                                     ExportOrder& order,
                                     const d::ExportTableToPointInTimeInput& input) {
  const base::Timestamp now = deps.clock.now();
  const auto window = backups::window_of(table, now);
  if (!window)
    return d::point_in_time_recovery_unavailable(
        "Point in time recovery is not enabled for table '" + table.name + "'");
  if (input.export_type == "INCREMENTAL_EXPORT") return read_increment(order, *window, now, input);
  if (input.incremental_export_specification)
    return tables::validation(
        input.export_type ? "Invalid Request: When Export Type is Full Export , Incremental Export "
                            "Specification should not be provided"
                          : "Invalid Request: Export Type expected to be Incremental Export when "
                            "incremental export specification is provided");
  if (input.export_time) {
    if (auto wrong = check_time(*input.export_time, *window, now)) return wrong;
  }
  order.time = std::min(now, input.export_time.value_or(now));
  order.description.export_time = order.time;
  return std::nullopt;
}

api::Outcome<ExportOrder> read_order(const Deps& deps, const Context& context,
                                     const tables::TableName& name, const tables::Definition& table,
                                     const d::ExportTableToPointInTimeInput& input) {
  if (input.s3_sse_kms_key_id && input.s3_sse_algorithm != "KMS")
    return tables::refuse("Invalid Request: KMS Key Id is not supported for this encryption type");
  if (input.s3_sse_algorithm == "KMS" || input.s3_sse_kms_key_id)
    return tables::refuse("S3SseAlgorithm: encryption with KMS keys is not served by Millrace");
  ExportOrder order;
  order.table = name;
  auto& shown = order.description;
  shown.export_format = input.export_format.value_or("DYNAMODB_JSON");
  shown.export_type = input.export_type.value_or("FULL_EXPORT");
  shown.s3_bucket = input.s3_bucket;
  shown.s3_bucket_owner = input.s3_bucket_owner;
  shown.s3_prefix = input.s3_prefix;
  shown.s3_sse_algorithm = input.s3_sse_algorithm;
  shown.client_token = input.client_token;
  if (shown.export_format == "ION") order.format = backups::ExportFormat::kIon;
  if (auto wrong = read_times(deps, table, order, input)) return std::unexpected(*std::move(wrong));
  order.bucket = std::make_unique<CallerBucket>(*deps.caller, context, *input.s3_bucket,
                                                input.s3_bucket_owner);
  return order;
}

// The export that an earlier request with the same token has begun.
Answer<std::optional<d::ExportDescription>> find_repeated(
    const Deps& deps, const Context& context, const d::ExportTableToPointInTimeInput& input) {
  if (!input.client_token) co_return std::nullopt;
  auto there = co_await deps.exports->known().find_token(context.account_id, context.region,
                                                         *input.client_token);
  if (!there) co_return std::unexpected(internal(there.error()));
  if (!*there || *(*there)->start_time + kTokenLife < deps.clock.now()) co_return std::nullopt;
  if (!is_same(**there, input))
    co_return std::unexpected(d::export_conflict(
        "Export with the given client token already exists with different parameters: " +
        *(*there)->export_arn));
  co_return *std::move(there);
}

// Names a table by its ARN, and by nothing else; the ARN's region is not looked at before it is not
// found there.
api::Outcome<tables::TableName> source_of(const Context& context,
                                          const std::optional<std::string>& arn) {
  const std::string given = arn.value_or("");
  if (given.empty()) return tables::refuse("Invalid TableArn: Invalid Table ARN");
  const auto parts = auth::parse_arn(given);
  if (!parts)
    return tables::refuse("One or more parameter values were invalid: tableArn is not a valid ARN");
  constexpr std::string_view kTable = "table/";
  if (parts->service != "dynamodb" || !parts->resource.starts_with(kTable) ||
      !has_name_characters(parts->resource.substr(kTable.size())))
    return tables::refuse("Invalid Request: Table ARN is invalid.");
  if (parts->region != context.region) return std::unexpected(no_table_to_back_up(given));
  return item_table(context, given);
}

Answer<d::ExportTableToPointInTimeOutput> begin(const Deps& deps, const Context& context,
                                                d::ExportTableToPointInTimeInput input) {
  const auto name = source_of(context, input.table_arn);
  if (!name) co_return std::unexpected(name.error());
  input.table_arn = arn_of(*name);
  d::ExportTableToPointInTimeOutput output;
  auto repeated = co_await find_repeated(deps, context, input);
  if (!repeated) co_return std::unexpected(repeated.error());
  if (*repeated) {
    output.export_description = **std::move(repeated);
    co_return output;
  }
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(no_table_to_back_up(*input.table_arn));
  const auto definition = table->definition();
  auto order = read_order(deps, context, *name, *definition, input);
  if (!order) co_return std::unexpected(std::move(order).error());
  auto begun = co_await deps.exports->begin(*std::move(order));
  if (!begun && begun.error().code == "ResourceNotFoundException")
    co_return std::unexpected(no_table_to_back_up(*input.table_arn));
  if (!begun) co_return std::unexpected(std::move(begun).error());
  output.export_description = *std::move(begun);
  co_return output;
}

Answer<d::DescribeExportOutput> describe_export(const Deps& deps, d::DescribeExportInput input) {
  const auto arn = read_arn(input.export_arn);
  if (!arn) co_return std::unexpected(arn.error());
  auto found = co_await deps.exports->known().find(*arn);
  if (!found) co_return std::unexpected(internal(found.error()));
  if (!*found)
    co_return std::unexpected(
        d::export_not_found("Export not found: Export not found: " + *input.export_arn));
  d::DescribeExportOutput output;
  output.export_description = **std::move(found);
  co_return output;
}

Answer<d::ListExportsOutput> list(const Deps& deps, const Context& context,
                                  d::ListExportsInput input) {
  std::string table_arn;
  if (input.table_arn) {
    const auto name = control_table(context, input.table_arn);
    if (!name) co_return std::unexpected(name.error());
    table_arn = arn_of(*name);
  }
  if (input.next_token && !backups::is_transfer_id(*input.next_token))
    co_return tables::refuse("Invalid Request: Provided nextToken is invalid: " +
                             *input.next_token);
  const auto limit = static_cast<std::size_t>(input.max_results.value_or(kListMax));
  auto page = co_await deps.exports->known().list(context.account_id, context.region, table_arn,
                                                  input.next_token.value_or(""), limit);
  if (!page) co_return std::unexpected(internal(page.error()));
  d::ListExportsOutput output;
  auto& summaries = output.export_summaries.emplace();
  for (auto& [id, one] : page->entries) {
    auto& summary = summaries.emplace_back();
    summary.export_arn = one.export_arn;
    summary.export_status = one.export_status;
    summary.export_type = one.export_type;
  }
  if (page->more) output.next_token = page->entries.back().first;
  co_return output;
}

}  // namespace

void register_exports(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::ExportTableToPointInTime>(
      [&deps](const Context& context,
              const d::ExportTableToPointInTimeInput& input) -> api::Outcome<wire::Checks> {
        const auto name = source_of(context, input.table_arn);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, "dynamodb:ExportTableToPointInTime", *name)};
      },
      [&deps](const Context& context, auto input) {
        return begin(deps, context, std::move(input));
      });
  registry.add<d::op::DescribeExport>(
      [](const Context&, const d::DescribeExportInput& input) -> api::Outcome<wire::Checks> {
        const auto arn = read_arn(input.export_arn);
        if (!arn) return std::unexpected(arn.error());
        return wire::Checks{part_check("dynamodb:DescribeExport", *input.export_arn)};
      },
      [&deps](const Context&, auto input) { return describe_export(deps, std::move(input)); });
  registry.add<d::op::ListExports>(
      [](const Context&, const d::ListExportsInput&) {
        return wire::Checks{{.action = "dynamodb:ListExports", .resource = "*"}};
      },
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
