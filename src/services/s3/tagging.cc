#include "services/s3/tagging.h"

#include <algorithm>

#include "base/encoding.h"

namespace services::s3 {
namespace {

constexpr std::size_t kTagKeyMax = 128;
constexpr std::size_t kTagValueMax = 256;

// Letters, digits, spaces and + - = . _ : / @; what is beyond ASCII counts as letters.
bool is_tag_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return byte >= 0x80 || alphanumeric ||
           std::string_view(" +-=._:/@").find(c) != std::string_view::npos;
  });
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

api::Outcome<void> check_tag(const std::string& key, const std::string& value,
                             const TagRules& rules) {
  if (key.empty() || characters(key) > kTagKeyMax || !is_tag_text(key))
    return std::unexpected(
        s3_error("InvalidTag", 400, "The TagKey you have provided is invalid", {{"TagKey", key}}));
  if (characters(value) > kTagValueMax || !is_tag_text(value))
    return std::unexpected(s3_error("InvalidTag", 400, "The TagValue you have provided is invalid",
                                    {{"TagKey", key}, {"TagValue", value}}));
  if (key.starts_with("aws:") && !rules.system_allowed)
    return std::unexpected(
        s3_error("InvalidTag", 400, std::string(rules.system_refusal), {{"TagKey", key}}));
  return {};
}

}  // namespace

api::Outcome<objects::Tags> parse_tags(const std::optional<api::s3::Tagging>& tagging,
                                       const TagRules& rules) {
  if (!tagging || !tagging->tag_set) return std::unexpected(malformed_xml());
  objects::Tags tags;
  for (const api::s3::Tag& tag : *tagging->tag_set) {
    if (!tag.key || !tag.value) return std::unexpected(malformed_xml());
    RETURN_IF_ERROR(check_tag(*tag.key, *tag.value, rules));
    if (!tags.emplace(*tag.key, *tag.value).second)
      return std::unexpected(s3_error("InvalidTag", 400,
                                      "Cannot provide multiple Tags with the same key",
                                      {{"TagKey", *tag.key}}));
  }
  if (tags.size() > rules.max)
    return std::unexpected(
        s3_error("BadRequest", 400,
                 (rules.max == kObjectTagsMax ? "Object tags cannot be greater than "
                                              : "Bucket tag count cannot be greater than ") +
                     std::to_string(rules.max)));
  return tags;
}

api::Outcome<objects::Tags> parse_tag_header(const std::optional<std::string>& header) {
  objects::Tags tags;
  std::string_view rest = header ? std::string_view(*header) : std::string_view();
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string key = base::uri_decode(pair.substr(0, equals), true);
    std::string value = equals == std::string_view::npos
                            ? std::string()
                            : base::uri_decode(pair.substr(equals + 1), true);
    RETURN_IF_ERROR(check_tag(key, value, {}));
    if (!tags.emplace(std::move(key), std::move(value)).second)
      return std::unexpected(
          invalid_argument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded "
                           "URL query parameters without tag name duplicates.",
                           "x-amz-tagging", *header));
  }
  if (tags.size() > kObjectTagsMax)
    return std::unexpected(s3_error("BadRequest", 400, "Object tags cannot be greater than 10"));
  return tags;
}

std::vector<api::s3::Tag> show_tags(const objects::Tags& tags) {
  std::vector<api::s3::Tag> shown;
  for (const auto& [key, value] : tags) shown.push_back({.key = key, .value = value});
  return shown;
}

}  // namespace services::s3
