#include "services/s3/conditions.h"

#include <charconv>

namespace services::s3 {
namespace {

// "*", or a list of ETags with or without quotes, weak or not.
bool names_etag(std::string_view list, const std::string& etag) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == "*" || unquoted(item) == etag) return true;
  }
  return false;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

api::Error invalid_range(const std::string& header, std::uint64_t size) {
  return s3_error("InvalidRange", 416, "The requested range is not satisfiable",
                  {{"RangeRequested", header}, {"ActualObjectSize", std::to_string(size)}});
}

}  // namespace

api::Outcome<void> check_read(const objects::Object& object, const ReadConditions& conditions,
                              std::string_view prefix) {
  const auto failed = [&](std::string_view name) {
    return std::unexpected(precondition_failed(std::string(prefix) + std::string(name)));
  };
  if (conditions.if_match) {
    if (!names_etag(*conditions.if_match, object.etag)) return failed("If-Match");
  } else if (conditions.if_unmodified_since && object.modified > *conditions.if_unmodified_since) {
    return failed("If-Unmodified-Since");
  }
  bool stale = false;
  std::string_view which = "If-None-Match";
  if (conditions.if_none_match) {
    stale = names_etag(*conditions.if_none_match, object.etag);
  } else if (conditions.if_modified_since) {
    stale = object.modified <= *conditions.if_modified_since;
    which = "If-Modified-Since";
  }
  if (!stale) return {};
  if (!prefix.empty()) return failed(which);
  return std::unexpected(s3_error("304", 304, "Not Modified"));
}

api::Outcome<objects::Condition> write_condition(const std::optional<std::string>& if_match,
                                                 const std::optional<std::string>& if_none_match) {
  if (if_match && if_none_match)
    return std::unexpected(not_implemented(
        "If-Match,If-None-Match", "Multiple conditional request headers present in the request"));
  if (if_none_match && *if_none_match != "*")
    return std::unexpected(
        not_implemented("If-None-Match",
                        "We don't accept the provided value of If-None-Match header for this API"));
  if (if_match && *if_match == "*")
    return std::unexpected(not_implemented(
        "If-Match", "We don't accept the provided value of If-Match header for this API"));
  objects::Condition condition{.absent = if_none_match.has_value()};
  if (if_match) condition.etag = unquoted(*if_match);
  return condition;
}

api::Outcome<std::optional<Range>> parse_range(const std::optional<std::string>& header,
                                               std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header || !header->starts_with(kUnit)) return std::nullopt;
  const std::string_view text = std::string_view(*header).substr(kUnit.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos)
    return std::nullopt;
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (dash == 0) {  // the last so many bytes
    if (!last) return std::nullopt;
    if (*last == 0 || size == 0) return std::unexpected(invalid_range(*header, size));
    const std::uint64_t count = std::min(*last, size);
    return Range{.offset = size - count, .size = count};
  }
  const bool open = dash + 1 == text.size();
  if (!first || (!open && (!last || *last < *first))) return std::nullopt;
  if (*first >= size) return std::unexpected(invalid_range(*header, size));
  const std::uint64_t end = open ? size : std::min(*last, size - 1) + 1;
  return Range{.offset = *first, .size = end - *first};
}

}  // namespace services::s3
