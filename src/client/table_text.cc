#include "client/table_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/time_text.h"
#include "client/stream_text.h"

namespace client {
namespace {

namespace d = api::dynamodb;

std::string bytes_of(std::optional<std::int64_t> bytes) {
  return bytes ? bytes_text(static_cast<double>(*bytes)) : "";
}

std::string count_of(std::optional<std::int64_t> items) {
  return items ? fmt::format("{}", *items) : "";
}

std::string units_text(const std::optional<d::ProvisionedThroughputDescription>& throughput) {
  if (!throughput) return {};
  return fmt::format("{} read, {} write", throughput->read_capacity_units.value_or(0),
                     throughput->write_capacity_units.value_or(0));
}

std::string capacity_text(const d::TableDescription& table) {
  const bool on_demand =
      table.billing_mode_summary && table.billing_mode_summary->billing_mode == "PAY_PER_REQUEST";
  return on_demand ? "on demand" : units_text(table.provisioned_throughput);
}

std::string stream_text(const d::TableDescription& table) {
  const auto& stream = table.stream_specification;
  if (!stream || !stream->stream_enabled.value_or(false)) return "";
  return stream->stream_view_type.value_or("");
}

std::string keys_text(const std::optional<std::vector<d::KeySchemaElement>>& schema,
                      const d::TableDescription& table) {
  std::vector<std::string> parts;
  if (!schema) return {};
  for (const auto& element : *schema) {
    std::string type;
    if (table.attribute_definitions)
      for (const auto& attribute : *table.attribute_definitions)
        if (attribute.attribute_name == element.attribute_name)
          type = attribute.attribute_type.value_or("");
    parts.push_back(fmt::format("{} ({}, {})", visible(element.attribute_name.value_or("")),
                                element.key_type == "HASH" ? "hash" : "range", type));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string projection_text(const std::optional<d::Projection>& projection) {
  if (!projection) return {};
  const std::string type = projection->projection_type.value_or("");
  if (type != "INCLUDE") return type;
  return fmt::format(
      "{}", fmt::join(projection->non_key_attributes.value_or(std::vector<std::string>()), ", "));
}

template <class Index>
void add_index(TextTable& shown, const d::TableDescription& table, const Index& index) {
  std::string kind = "local";
  std::string state;
  std::string units;
  if constexpr (requires { index.index_status; }) {
    kind = "global";
    state = index.index_status.value_or("");
    units = capacity_text(table) == "on demand" ? "on demand"
                                                : units_text(index.provisioned_throughput);
  }
  shown.rows.push_back({index.index_name.value_or(""), kind, state,
                        keys_text(index.key_schema, table), projection_text(index.projection),
                        units, count_of(index.item_count), bytes_of(index.index_size_bytes)});
}

}  // namespace

std::string tables_table(const std::vector<d::TableDescription>& tables, const DrawStyle& style) {
  TextTable shown;
  shown.columns = {{"table"},         {"state"},    {"items", true}, {"size", true},
                   {"indexes", true}, {"capacity"}, {"stream"},      {"made"}};
  for (const d::TableDescription& table : tables) {
    std::size_t indexes = 0;
    if (table.local_secondary_indexes) indexes += table.local_secondary_indexes->size();
    if (table.global_secondary_indexes) indexes += table.global_secondary_indexes->size();
    shown.rows.push_back(
        {table.table_name.value_or(""), table.table_status.value_or(""), count_of(table.item_count),
         bytes_of(table.table_size_bytes), fmt::format("{}", indexes), capacity_text(table),
         stream_text(table),
         table.creation_date_time ? base::iso8601(*table.creation_date_time) : ""});
  }
  return shown.draw(style);
}

std::string table_text(const d::TableDescription& table, const DrawStyle& style) {
  std::vector<std::string> first = {table.table_status.value_or(""), capacity_text(table)};
  if (table.item_count) first.push_back(fmt::format("{} items", *table.item_count));
  if (table.table_size_bytes) first.push_back(bytes_of(table.table_size_bytes));
  std::erase(first, "");
  std::vector<std::string> more;
  more.push_back(stream_text(table).empty() ? "no stream" : "stream of " + stream_text(table));
  if (table.table_class_summary)
    more.push_back("class " + table.table_class_summary->table_class.value_or(""));
  if (table.deletion_protection_enabled.value_or(false)) more.push_back("protected from deletion");
  if (table.creation_date_time) more.push_back("made " + base::iso8601(*table.creation_date_time));
  std::string out = fmt::format("{}: {}\n{}\n{}\nKeys: {}\n", table.table_name.value_or(""),
                                fmt::join(first, ", "), table.table_arn.value_or(""),
                                fmt::join(more, ", "), keys_text(table.key_schema, table));
  TextTable indexes;
  indexes.columns = {{"index"},    {"kind"},     {"state"},       {"keys"},
                     {"projects"}, {"capacity"}, {"items", true}, {"size", true}};
  if (table.local_secondary_indexes)
    for (const auto& index : *table.local_secondary_indexes) add_index(indexes, table, index);
  if (table.global_secondary_indexes)
    for (const auto& index : *table.global_secondary_indexes) add_index(indexes, table, index);
  return indexes.rows.empty() ? out : out + indexes.draw(style);
}

}  // namespace client
