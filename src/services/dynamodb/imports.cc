// ImportTable, DescribeImport, ListImports.

#include "backups/imports.h"

#include "api/dynamodb/errors.h"
#include "base/encoding.h"
#include "base/log.h"
#include "services/dynamodb/bucket.h"
#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using backups::ImportOrder;

constexpr std::size_t kListMax = 25;
constexpr std::chrono::hours kTokenLife{8};
// Its model wants at least 112 hexadecimal digits.
constexpr std::size_t kTokenBytes = 56;

api::Error internal(const base::Error& error) {
  base::log_error("dynamodb: {}", error.to_string());
  return api::internal_failure();
}

api::Outcome<backups::PartArn> read_arn(const std::optional<std::string>& arn) {
  const auto parsed = backups::parse_part_arn(arn.value_or(""), "import");
  if (!parsed) return tables::refuse("Invalid Import ARN");
  return *parsed;
}

api::Outcome<tables::TableName> table_of(const Context& context, const d::ImportTableInput& input) {
  return item_table(context, input.table_creation_parameters->table_name);
}

api::Outcome<tables::Definition> read_target(const Deps& deps, const tables::TableName& name,
                                             const d::TableCreationParameters& given) {
  d::CreateTableInput wanted;
  wanted.table_name = name.name;
  wanted.attribute_definitions = given.attribute_definitions;
  wanted.key_schema = given.key_schema;
  wanted.billing_mode = given.billing_mode;
  wanted.provisioned_throughput = given.provisioned_throughput;
  wanted.on_demand_throughput = given.on_demand_throughput;
  wanted.sse_specification = given.sse_specification;
  wanted.global_secondary_indexes = given.global_secondary_indexes;
  return read_definition(name, wanted, deps.clock.now());
}

api::Outcome<backups::ItemParser::Settings> read_format(const d::ImportTableInput& input) {
  backups::ItemParser::Settings made;
  if (input.input_format == "ION") made.format = backups::ImportFormat::kIon;
  if (input.input_format == "CSV") made.format = backups::ImportFormat::kCsv;
  if (!input.input_format_options) return made;
  const auto& csv = input.input_format_options->csv;
  if (!csv) return made;
  if (made.format != backups::ImportFormat::kCsv)
    return tables::refuse(
        "Invalid Request: Unsupported InputFormatOptions for the given input format: " +
        *input.input_format + ".");
  if (csv->delimiter) made.delimiter = csv->delimiter->front();
  if (csv->header_list) made.header = *csv->header_list;
  return made;
}

api::Outcome<ImportOrder> read_order(const Deps& deps, const Context& context,
                                     const tables::TableName& name,
                                     const d::ImportTableInput& input) {
  ImportOrder order;
  auto target = read_target(deps, name, *input.table_creation_parameters);
  if (!target) return std::unexpected(std::move(target).error());
  order.target = *std::move(target);
  auto settings = read_format(input);
  if (!settings) return std::unexpected(std::move(settings).error());
  order.settings = *std::move(settings);
  if (input.input_compression_type == "GZIP") order.compression = backups::Compression::kGzip;
  if (input.input_compression_type == "ZSTD") order.compression = backups::Compression::kZstd;
  const d::S3BucketSource& source = *input.s3_bucket_source;
  order.prefix = source.s3_key_prefix.value_or("");
  order.bucket = std::make_unique<CallerBucket>(*deps.caller, context, *source.s3_bucket,
                                                source.s3_bucket_owner);
  auto& shown = order.description;
  shown.client_token = input.client_token;
  shown.s3_bucket_source = source;
  shown.input_format = input.input_format;
  shown.input_format_options = input.input_format_options;
  shown.input_compression_type = input.input_compression_type.value_or("NONE");
  shown.table_creation_parameters = input.table_creation_parameters;
  return order;
}

bool is_same(const d::ImportTableDescription& there, const d::ImportTableInput& input) {
  return there.s3_bucket_source->s3_bucket == input.s3_bucket_source->s3_bucket &&
         there.s3_bucket_source->s3_key_prefix == input.s3_bucket_source->s3_key_prefix &&
         there.input_format == input.input_format &&
         there.table_creation_parameters->table_name == input.table_creation_parameters->table_name;
}

Answer<std::optional<d::ImportTableDescription>> find_repeated(const Deps& deps,
                                                               const Context& context,
                                                               const d::ImportTableInput& input) {
  if (!input.client_token) co_return std::nullopt;
  auto there = co_await deps.imports->known().find_token(context.account_id, context.region,
                                                         *input.client_token);
  if (!there) co_return std::unexpected(internal(there.error()));
  if (!*there || *(*there)->start_time + kTokenLife < deps.clock.now()) co_return std::nullopt;
  if (!is_same(**there, input))
    co_return std::unexpected(d::import_conflict(
        "Import conflict: Duplicate request detected with conflicting parameters"));
  co_return *std::move(there);
}

Answer<d::ImportTableOutput> begin(const Deps& deps, const Context& context,
                                   d::ImportTableInput input) {
  const auto name = table_of(context, input);
  if (!name) co_return std::unexpected(name.error());
  d::ImportTableOutput output;
  auto repeated = co_await find_repeated(deps, context, input);
  if (!repeated) co_return std::unexpected(repeated.error());
  if (*repeated) {
    output.import_table_description = **std::move(repeated);
    co_return output;
  }
  if (deps.tables.catalogue().find(*name))
    co_return std::unexpected(d::resource_in_use("Table already exists: " + name->name));
  auto order = read_order(deps, context, *name, input);
  if (!order) co_return std::unexpected(std::move(order).error());
  auto begun = co_await deps.imports->begin(*std::move(order));
  if (!begun) co_return std::unexpected(std::move(begun).error());
  output.import_table_description = *std::move(begun);
  co_return output;
}

Answer<d::DescribeImportOutput> describe_import(const Deps& deps, d::DescribeImportInput input) {
  const auto arn = read_arn(input.import_arn);
  if (!arn) co_return std::unexpected(arn.error());
  auto found = co_await deps.imports->known().find(*arn);
  if (!found) co_return std::unexpected(internal(found.error()));
  if (!*found)
    co_return std::unexpected(d::import_not_found("Import not found: " + *input.import_arn));
  d::DescribeImportOutput output;
  output.import_table_description = **std::move(found);
  co_return output;
}

std::string token_of(std::string id) {
  id.resize(kTokenBytes, '\0');
  return base::hex(id);
}

std::string id_of(const std::optional<std::string>& token) {
  if (!token) return {};
  std::string id = base::from_hex(*token).value_or("");
  id.resize(std::min(id.size(), id.find('\0')));
  return id;
}

Answer<d::ListImportsOutput> list(const Deps& deps, const Context& context,
                                  d::ListImportsInput input) {
  std::string table_arn;
  if (input.table_arn) {
    const auto name = control_table(context, input.table_arn);
    if (!name) co_return std::unexpected(name.error());
    table_arn = arn_of(*name);
  }
  if (input.next_token && !backups::is_transfer_id(id_of(input.next_token)))
    co_return tables::refuse("Invalid Request: Provided nextToken is invalid: " +
                             *input.next_token);
  const auto limit = static_cast<std::size_t>(input.page_size.value_or(kListMax));
  auto page = co_await deps.imports->known().list(context.account_id, context.region, table_arn,
                                                  id_of(input.next_token), limit);
  if (!page) co_return std::unexpected(internal(page.error()));
  d::ListImportsOutput output;
  auto& summaries = output.import_summary_list.emplace();
  for (auto& [id, one] : page->entries) {
    auto& summary = summaries.emplace_back();
    summary.import_arn = one.import_arn;
    summary.import_status = one.import_status;
    summary.table_arn = one.table_arn;
    summary.s3_bucket_source = one.s3_bucket_source;
    summary.input_format = one.input_format;
    summary.start_time = one.start_time;
    summary.end_time = one.end_time;
  }
  if (page->more) output.next_token = token_of(page->entries.back().first);
  co_return output;
}

}  // namespace

void register_imports(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::ImportTable>(
      [&deps](const Context& context,
              const d::ImportTableInput& input) -> api::Outcome<wire::Checks> {
        const auto name = table_of(context, input);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, "dynamodb:ImportTable", *name)};
      },
      [&deps](const Context& context, auto input) {
        return begin(deps, context, std::move(input));
      });
  registry.add<d::op::DescribeImport>(
      [](const Context&, const d::DescribeImportInput& input) -> api::Outcome<wire::Checks> {
        const auto arn = read_arn(input.import_arn);
        if (!arn) return std::unexpected(arn.error());
        return wire::Checks{part_check("dynamodb:DescribeImport", *input.import_arn)};
      },
      [&deps](const Context&, auto input) { return describe_import(deps, std::move(input)); });
  registry.add<d::op::ListImports>(
      [](const Context&, const d::ListImportsInput&) {
        return wire::Checks{{.action = "dynamodb:ListImports", .resource = "*"}};
      },
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
