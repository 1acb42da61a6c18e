#include "services/s3/source.h"

#include <charconv>

#include "base/encoding.h"

namespace services::s3 {
namespace {

constexpr int kReadTriesMax = 5;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Unlike a reader's range, a copy's has to be whole and inside the object.
api::Outcome<Range> copy_range(const std::optional<std::string>& header, std::uint64_t size) {
  if (!header) return Range{.offset = 0, .size = size};
  constexpr std::string_view kUnit = "bytes=";
  const std::string_view text = std::string_view(*header);
  const std::size_t dash = text.find('-');
  const auto first = text.starts_with(kUnit) && dash != std::string_view::npos
                         ? number(text.substr(kUnit.size(), dash - kUnit.size()))
                         : std::nullopt;
  const auto last = dash == std::string_view::npos ? std::nullopt : number(text.substr(dash + 1));
  if (!first || !last || *last < *first)
    return std::unexpected(invalid_argument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
        "last are the zero-based offsets of the first and last bytes to copy",
        "x-amz-copy-source-range", *header));
  if (*last >= size)
    return std::unexpected(invalid_argument(
        "Range specified is not valid for source object of size: " + std::to_string(size),
        "x-amz-copy-source-range", *header));
  return Range{.offset = *first, .size = *last - *first + 1};
}

}  // namespace

api::Outcome<Source> parse_source(const std::optional<std::string>& header) {
  const auto refuse = [](std::string text) {
    return std::unexpected(
        invalid_argument(std::move(text), "x-amz-copy-source", "x-amz-copy-source"));
  };
  std::string_view text = header ? std::string_view(*header) : std::string_view();
  constexpr std::string_view kVersion = "?versionId=";
  const std::size_t query = text.find(kVersion);
  if (query != std::string_view::npos) {
    RETURN_IF_ERROR(check_version(std::string(text.substr(query + kVersion.size()))));
    text = text.substr(0, query);
  }
  std::string decoded = base::uri_decode(text);
  if (decoded.starts_with('/')) decoded.erase(0, 1);
  const std::size_t slash = decoded.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == decoded.size())
    return refuse("Invalid copy source object key");
  return Source{.bucket = decoded.substr(0, slash), .key = decoded.substr(slash + 1)};
}

async::Task<api::Outcome<wire::Checks>> with_source(const Deps& deps, const Context& context,
                                                    wire::Checks checks,
                                                    std::optional<std::string> header,
                                                    std::optional<std::string> expected_owner) {
  const auto source = parse_source(header);
  if (!source) co_return std::unexpected(source.error());
  auto bucket = find_bucket(deps, source->bucket, expected_owner);
  if (!bucket) co_return std::unexpected(bucket.error());
  auto more =
      co_await read_checks(deps, context, *std::move(bucket), source->key, {"s3:GetObject"});
  if (!more) co_return std::unexpected(more.error());
  for (auth::Check& check : *more) checks.push_back(std::move(check));
  co_return checks;
}

async::Task<api::Outcome<SourceObject>> read_source(const Deps& deps, Source source,
                                                    ReadConditions conditions,
                                                    std::optional<std::string> range) {
  for (int tries = 0; tries < kReadTriesMax; ++tries) {
    auto object = co_await deps.objects.find(source.bucket, source.key);
    if (!object) co_return std::unexpected(to_api_error(object.error(), source.bucket, source.key));
    const auto fine = check_read(*object, conditions, "x-amz-copy-source-");
    if (!fine) co_return std::unexpected(fine.error());
    const auto wanted = copy_range(range, object->size);
    if (!wanted) co_return std::unexpected(wanted.error());
    auto body = co_await deps.objects.read(*object, wanted->offset, wanted->size);
    if (!body && body.error().code == base::ErrorCode::kConflict) continue;
    if (!body) co_return std::unexpected(to_api_error(body.error(), source.bucket, source.key));
    co_return SourceObject{.object = *std::move(object), .body = *std::move(body)};
  }
  co_return std::unexpected(s3_error("SlowDown", 503, "Please reduce your request rate."));
}

}  // namespace services::s3
