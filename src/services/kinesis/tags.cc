// Tags, in the stream's own operations and in the common ones by ARN.
#include <fmt/format.h>

#include "api/kinesis/errors.h"
#include "services/kinesis/kinesis.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::StreamInfo;
using wire::Context;
using Tags = std::map<std::string, std::string>;

constexpr std::size_t kTagsMax = 50;

async::Task<std::optional<api::Error>> add(const Deps& deps, StreamKey key, Tags tags) {
  const auto how = [tags](StreamInfo& info) -> base::Status {
    for (const auto& [name, value] : tags) info.tags[name] = value;
    if (info.tags.size() > kTagsMax)
      return base::error(
          base::ErrorCode::kInvalidArgument,
          fmt::format("Failed to add tags to stream {} under account {} because a "
                      "given stream cannot have more than {} tags associated with it.",
                      info.key.name, info.key.account_id, kTagsMax));
    return {};
  };
  const auto done = co_await deps.streams.update(key, how);
  if (!done) co_return to_api_error(done.error(), key);
  co_return std::nullopt;
}

async::Task<std::optional<api::Error>> remove(const Deps& deps, StreamKey key,
                                              std::vector<std::string> names) {
  const auto how = [names](StreamInfo& info) -> base::Status {
    for (const std::string& name : names) info.tags.erase(name);
    return {};
  };
  const auto done = co_await deps.streams.update(key, how);
  if (!done) co_return to_api_error(done.error(), key);
  co_return std::nullopt;
}

Answer<k::AddTagsToStreamOutput> add_tags(const Deps& deps, const Context& context,
                                          k::AddTagsToStreamInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  auto failed = co_await add(deps, *key, std::move(*input.tags));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return k::AddTagsToStreamOutput();
}

Answer<k::RemoveTagsFromStreamOutput> remove_tags(const Deps& deps, const Context& context,
                                                  k::RemoveTagsFromStreamInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  auto failed = co_await remove(deps, *key, std::move(*input.tag_keys));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return k::RemoveTagsFromStreamOutput();
}

Answer<k::ListTagsForStreamOutput> list_tags(const Deps& deps, const Context& context,
                                             k::ListTagsForStreamInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  const auto limit = static_cast<std::size_t>(input.limit.value_or(50));
  k::ListTagsForStreamOutput output;
  auto& tags = output.tags.emplace();
  output.has_more_tags = false;
  for (const auto& [name, value] : (*stream)->info.tags) {
    if (input.exclusive_start_tag_key && name <= *input.exclusive_start_tag_key) continue;
    if (tags.size() == limit) {
      output.has_more_tags = true;
      break;
    }
    tags.push_back({.key = name, .value = value});
  }
  co_return output;
}

api::Outcome<StreamKey> resource_key(const std::string& arn) {
  auto key = parse_stream_arn(arn);
  if (!key) return std::unexpected(k::invalid_argument("ResourceARN " + arn + " is not valid."));
  return *std::move(key);
}

Answer<k::TagResourceOutput> tag_resource(const Deps& deps, const Context&,
                                          k::TagResourceInput input) {
  const auto key = resource_key(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  auto failed = co_await add(deps, *key, std::move(*input.tags));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return k::TagResourceOutput();
}

Answer<k::UntagResourceOutput> untag_resource(const Deps& deps, const Context&,
                                              k::UntagResourceInput input) {
  const auto key = resource_key(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  auto failed = co_await remove(deps, *key, std::move(*input.tag_keys));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return k::UntagResourceOutput();
}

Answer<k::ListTagsForResourceOutput> list_resource_tags(const Deps& deps, const Context&,
                                                        k::ListTagsForResourceInput input) {
  const auto key = resource_key(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  k::ListTagsForResourceOutput output;
  auto& tags = output.tags.emplace();
  for (const auto& [name, value] : (*stream)->info.tags)
    tags.push_back({.key = name, .value = value});
  co_return output;
}

template <class Input>
auto on_resource(const Deps& deps, std::string action) {
  return [&deps, action](const Context&, const Input& input) -> api::Outcome<wire::Checks> {
    const auto key = resource_key(*input.resource_arn);
    if (!key) return std::unexpected(key.error());
    return wire::Checks{stream_check(deps, action, *key)};
  };
}

}  // namespace

void register_tags(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::AddTagsToStream>(
      on_stream<k::AddTagsToStreamInput>(deps, "kinesis:AddTagsToStream"),
      [&deps](const Context& context, auto in) { return add_tags(deps, context, std::move(in)); });
  registry.add<k::op::RemoveTagsFromStream>(
      on_stream<k::RemoveTagsFromStreamInput>(deps, "kinesis:RemoveTagsFromStream"),
      [&deps](const Context& context, auto in) {
        return remove_tags(deps, context, std::move(in));
      });
  registry.add<k::op::ListTagsForStream>(
      on_stream<k::ListTagsForStreamInput>(deps, "kinesis:ListTagsForStream"),
      [&deps](const Context& context, auto in) { return list_tags(deps, context, std::move(in)); });
  registry.add<k::op::TagResource>(on_resource<k::TagResourceInput>(deps, "kinesis:TagResource"),
                                   [&deps](const Context& context, auto in) {
                                     return tag_resource(deps, context, std::move(in));
                                   });
  registry.add<k::op::UntagResource>(
      on_resource<k::UntagResourceInput>(deps, "kinesis:UntagResource"),
      [&deps](const Context& context, auto in) {
        return untag_resource(deps, context, std::move(in));
      });
  registry.add<k::op::ListTagsForResource>(
      on_resource<k::ListTagsForResourceInput>(deps, "kinesis:ListTagsForResource"),
      [&deps](const Context& context, auto in) {
        return list_resource_tags(deps, context, std::move(in));
      });
}

}  // namespace services::kinesis
