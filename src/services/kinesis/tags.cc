// Tags, in the stream's own operations and in the common ones by ARN.
#include <fmt/format.h>

#include <algorithm>

#include "api/kinesis/errors.h"
#include "services/kinesis/kinesis.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::StreamInfo;
using wire::Context;
using Tags = std::map<std::string, std::string>;

constexpr std::size_t kTagsMax = 50;

// The first character of a UTF-8 text that is not empty; takes it off.
char32_t take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  char32_t character = length == 1 ? first : first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i)
    character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  text.remove_prefix(std::min(length, text.size()));
  return character;
}

// Letters, digits and the blank of every script that fits 16 bits, and some signs. The colon is
// for the tags that AWS's own services set ("aws:cloudformation:stack-name").
bool is_taken(char32_t c) {
  if (c < 0x80)
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view(" _./=+-%@:").find(static_cast<char>(c)) != std::string_view::npos;
  return (c >= 0xc0 && c <= 0x1fff) || (c >= 0x2c00 && c <= 0xd7ff);
}

bool has_strange_characters(std::string_view text) {
  while (!text.empty())
    if (!is_taken(take_character(text))) return true;
  return false;
}

async::Task<std::optional<api::Error>> add(const Deps& deps, StreamKey key, Tags tags) {
  if (!deps.streams.find(key)) co_return stream_not_found(key);
  auto refused = check_tag_texts(key, texts_of(tags), "add tags to");
  if (refused) co_return refused;
  const auto how = [tags](StreamInfo& info) -> base::Status {
    for (const auto& [name, value] : tags) info.tags[name] = value;
    if (info.tags.size() > kTagsMax)
      // AWS still says 10, its limit of old.
      return base::error(
          base::ErrorCode::kInvalidArgument,
          fmt::format("Failed to add tags to stream {} under account {} because a "
                      "given stream cannot have more than 10 tags associated with it.",
                      info.key.name, info.key.account_id));
    return {};
  };
  const auto done = co_await deps.streams.update(key, how);
  if (!done) co_return to_api_error(done.error(), key);
  co_return std::nullopt;
}

async::Task<std::optional<api::Error>> remove(const Deps& deps, StreamKey key,
                                              std::vector<std::string> names) {
  if (!deps.streams.find(key)) co_return stream_not_found(key);
  auto refused = check_tag_texts(key, {names.begin(), names.end()}, "remove tags from");
  if (refused) co_return refused;
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

std::vector<std::string_view> texts_of(const Tags& tags) {
  std::vector<std::string_view> texts;
  for (const auto& [key, value] : tags) {
    texts.push_back(key);
    texts.push_back(value);
  }
  return texts;
}

// AWS looks twice: the first look lets '%' pass, the second does not.
std::optional<api::Error> check_tag_texts(const StreamKey& key,
                                          const std::vector<std::string_view>& texts,
                                          std::string_view doing) {
  if (std::ranges::any_of(texts, has_strange_characters))
    return k::invalid_argument(
        "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white "
        "space, _ . / = + - % @.");
  const auto has_percent = [](std::string_view text) { return text.contains('%'); };
  if (std::ranges::none_of(texts, has_percent)) return std::nullopt;
  return k::invalid_argument(
      fmt::format("Failed to {} stream {} under account {} because some tags contained illegal "
                  "characters. The allowed characters are Unicode letters, white-spaces, "
                  "'_',',','/','=','+','-','@'.",
                  doing, key.name, key.account_id));
}

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
