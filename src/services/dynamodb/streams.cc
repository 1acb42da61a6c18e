// StreamSpecification: a table's latest stream, as it is asked for and as it is shown.

#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using tables::View;

View view_of(const std::string& name) {
  if (name == "KEYS_ONLY") return View::kKeysOnly;
  if (name == "NEW_IMAGE") return View::kNewImage;
  return name == "OLD_IMAGE" ? View::kOldImage : View::kBoth;
}

}  // namespace

std::optional<api::Error> read_stream(tables::Definition& made,
                                      const std::optional<d::StreamSpecification>& given) {
  if (!given) return std::nullopt;
  const bool enabled = given->stream_enabled.value_or(false);
  if (enabled && !given->stream_view_type)
    return tables::invalid_parameter(
        "Table is being created with a stream enabled, UpdateViewType is required");
  if (!enabled && given->stream_view_type)
    return tables::invalid_parameter(
        "Table is being created with a stream disabled, UpdateViewType should not be specified");
  if (enabled) made.stream = tables::Capture{.view = view_of(*given->stream_view_type)};
  return std::nullopt;
}

std::optional<api::Error> change_stream(tables::Definition& edited,
                                        const std::optional<d::StreamSpecification>& given) {
  if (!given) return std::nullopt;
  const bool enable = given->stream_enabled.value_or(false);
  const bool enabled = edited.stream && edited.stream->enabled;
  if (enable && !given->stream_view_type)
    return tables::invalid_parameter("If stream is being enabled then UpdateViewType is required");
  if (!enable && given->stream_view_type)
    return tables::invalid_parameter(
        "If stream is being disabled, then UpdateViewType must not be specified");
  if (enable && enabled)
    return tables::validation("Table already has an enabled stream: TableName: " + edited.name);
  if (!enable && !enabled)
    return tables::validation("Table has no stream to disable: TableName: " + edited.name);
  if (enable) {
    edited.stream = tables::Capture{.view = view_of(*given->stream_view_type)};
    edited.stream_policy = {};  // it was the last one's
  } else {
    edited.stream->enabled = false;
  }
  return std::nullopt;
}

void describe_stream(d::TableDescription& made, const tables::Definition& definition) {
  if (!definition.stream) return;
  const tables::Capture& stream = *definition.stream;
  made.latest_stream_label = label_of(stream);
  made.latest_stream_arn = definition.arn() + "/stream/" + label_of(stream);
  if (!stream.enabled) return;
  auto& shown = made.stream_specification.emplace();
  shown.stream_enabled = true;
  shown.stream_view_type = std::string(tables::name_of(stream.view));
}

}  // namespace services::dynamodb
