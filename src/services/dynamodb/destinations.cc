// Kinesis streaming destinations: enable, disable, update, describe. A table has one that is active
// at most; one that was disabled stays in the list.

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "services/dynamodb/common.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Destination;
using Wrong = std::optional<api::Error>;

Wrong not_in_state(std::string_view what) {
  return tables::validation(
      "Table is not in a valid state to enable Kinesis Streaming Destination: " +
      std::string(what));
}

bool is_active(const Destination& one) { return one.state == Destination::State::kActive; }

api::Outcome<tables::TablePtr> table_of(const Deps& deps, const Context& context,
                                        const std::optional<std::string>& given) {
  const auto name = control_table(context, given);
  if (!name) return std::unexpected(name.error());
  auto table = deps.tables.catalogue().find(*name);
  if (!table) return std::unexpected(tables::no_such_table(name->name));
  return table;
}

api::Outcome<void> check_stream(const Deps& deps, const std::string& arn) {
  const auto parts = auth::parse_arn(arn);
  if (!parts || parts->service != "kinesis" || !parts->resource.starts_with("stream/"))
    return tables::refuse("Invalid StreamArn: " + arn);
  if (!deps.is_stream || !deps.is_stream(arn))
    return std::unexpected(api::dynamodb::resource_not_found(
        "Requested resource not found: Stream: " + arn + " not found"));
  return {};
}

Destination* find_destination(Definition& table, const std::string& arn) {
  const auto found = std::ranges::find(table.destinations, arn, &Destination::stream_arn);
  return found == table.destinations.end() ? nullptr : &*found;
}

Wrong enable_in(Definition& table, Destination wanted) {
  if (std::ranges::any_of(table.destinations, is_active))
    return not_in_state(
        "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE "
        "operation.");
  std::erase_if(table.destinations,
                [&](const Destination& one) { return one.stream_arn == wanted.stream_arn; });
  table.destinations.push_back(std::move(wanted));
  table.feed = tables::Capture{.view = tables::View::kBoth};
  return std::nullopt;
}

Wrong disable_in(Definition& table, const std::string& arn) {
  Destination* const found = find_destination(table, arn);
  if (found == nullptr || !is_active(*found))
    return not_in_state("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.");
  found->state = Destination::State::kDisabled;
  if (table.feed) table.feed->enabled = false;
  return std::nullopt;
}

Wrong update_in(Definition& table, const std::string& arn, bool microseconds) {
  Destination* const found = find_destination(table, arn);
  if (found == nullptr || !is_active(*found))
    return not_in_state(
        "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
        "TableName: " +
        table.name + ", kdsArn: " + arn);
  if (found->precision_given && found->microseconds == microseconds)
    return tables::validation("Invalid Request: Precision is already set to the desired value of " +
                              std::string(microseconds ? "MICROSECOND" : "MILLISECOND") +
                              " for tableId: " + table.uuid + ", kdsArn: " + arn);
  found->microseconds = microseconds;
  found->precision_given = true;
  return std::nullopt;
}

Answer<d::KinesisStreamingDestinationOutput> change(const Deps& deps, const Context& context,
                                                    d::KinesisStreamingDestinationInput input,
                                                    bool enable) {
  const auto table = table_of(deps, context, input.table_name);
  if (!table) co_return std::unexpected(table.error());
  Destination wanted{.stream_arn = *input.stream_arn};
  const auto& settings = input.enable_kinesis_streaming_configuration;
  if (settings && settings->approximate_creation_date_time_precision) {
    wanted.precision_given = true;
    wanted.microseconds = *settings->approximate_creation_date_time_precision == "MICROSECOND";
  }
  if (!enable && settings)
    co_return tables::refuse(
        "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters");
  if (enable) {
    const auto there = check_stream(deps, wanted.stream_arn);
    if (!there) co_return std::unexpected(there.error());
  }
  const auto definition = (*table)->definition();
  const auto changed = co_await deps.tables.catalogue().change(
      {definition->account, definition->region, definition->name},
      [wanted, enable](Definition& edited) {
        return enable ? enable_in(edited, wanted) : disable_in(edited, wanted.stream_arn);
      });
  if (!changed) co_return std::unexpected(changed.error());
  d::KinesisStreamingDestinationOutput output;
  output.table_name = definition->name;
  output.stream_arn = wanted.stream_arn;
  output.destination_status = enable ? "ENABLING" : "DISABLING";
  output.enable_kinesis_streaming_configuration = settings;
  if (enable && !settings) output.enable_kinesis_streaming_configuration.emplace();
  co_return output;
}

Answer<d::UpdateKinesisStreamingDestinationOutput> update(
    const Deps& deps, const Context& context, d::UpdateKinesisStreamingDestinationInput input) {
  const auto table = table_of(deps, context, input.table_name);
  if (!table) co_return std::unexpected(table.error());
  const auto& settings = input.update_kinesis_streaming_configuration;
  if (!settings || !settings->approximate_creation_date_time_precision)
    co_return tables::refuse(
        "Streaming destination cannot be updated with given parameters: "
        "UpdateKinesisStreamingConfiguration cannot be null or contain only null values");
  const bool microseconds = *settings->approximate_creation_date_time_precision == "MICROSECOND";
  const auto definition = (*table)->definition();
  const auto changed = co_await deps.tables.catalogue().change(
      {definition->account, definition->region, definition->name},
      [arn = *input.stream_arn, microseconds](Definition& edited) {
        return update_in(edited, arn, microseconds);
      });
  if (!changed) co_return std::unexpected(changed.error());
  d::UpdateKinesisStreamingDestinationOutput output;
  output.table_name = definition->name;
  output.stream_arn = input.stream_arn;
  output.destination_status = "UPDATING";
  output.update_kinesis_streaming_configuration = settings;
  co_return output;
}

Answer<d::DescribeKinesisStreamingDestinationOutput> describe_destinations(
    const Deps& deps, const Context& context, d::DescribeKinesisStreamingDestinationInput input) {
  const auto table = table_of(deps, context, input.table_name);
  if (!table) co_return std::unexpected(table.error());
  const auto definition = (*table)->definition();
  d::DescribeKinesisStreamingDestinationOutput output;
  output.table_name = definition->name;
  auto& shown = output.kinesis_data_stream_destinations.emplace();
  for (const Destination& one : definition->destinations) {
    auto& made = shown.emplace_back();
    made.stream_arn = one.stream_arn;
    made.destination_status = is_active(one) ? "ACTIVE" : "DISABLED";
    if (one.precision_given)
      made.approximate_creation_date_time_precision =
          one.microseconds ? "MICROSECOND" : "MILLISECOND";
  }
  co_return output;
}

template <class Input>
auto on_table(const Deps& deps, const char* action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto name = control_table(context, input.table_name);
    if (!name) return std::unexpected(name.error());
    return wire::Checks{table_check(deps, action, *name)};
  };
}

// Who enables a destination also has to be allowed to write to the stream.
api::Outcome<wire::Checks> may_enable(const Deps& deps, const Context& context,
                                      const d::KinesisStreamingDestinationInput& input) {
  const auto name = control_table(context, input.table_name);
  if (!name) return std::unexpected(name.error());
  wire::Checks checks{table_check(deps, "dynamodb:EnableKinesisStreamingDestination", *name)};
  for (const char* const needed : {"kinesis:DescribeStream", "kinesis:PutRecords"}) {
    auth::Check check{.action = needed, .resource = *input.stream_arn};
    if (const auto parts = auth::parse_arn(check.resource))
      check.resource_account = std::string(parts->account);
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace

void register_destinations(wire::Registry& registry, const Deps& deps) {
  using Input = d::KinesisStreamingDestinationInput;
  registry.add<d::op::EnableKinesisStreamingDestination>(
      [&deps](const Context& context, const Input& input) {
        return may_enable(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return change(deps, context, std::move(input), true);
      });
  registry.add<d::op::DisableKinesisStreamingDestination>(
      on_table<Input>(deps, "dynamodb:DisableKinesisStreamingDestination"),
      [&deps](const Context& context, auto input) {
        return change(deps, context, std::move(input), false);
      });
  registry.add<d::op::UpdateKinesisStreamingDestination>(
      on_table<d::UpdateKinesisStreamingDestinationInput>(
          deps, "dynamodb:UpdateKinesisStreamingDestination"),
      [&deps](const Context& context, auto input) {
        return update(deps, context, std::move(input));
      });
  registry.add<d::op::DescribeKinesisStreamingDestination>(
      on_table<d::DescribeKinesisStreamingDestinationInput>(
          deps, "dynamodb:DescribeKinesisStreamingDestination"),
      [&deps](const Context& context, auto input) {
        return describe_destinations(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
