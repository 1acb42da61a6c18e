#include "metrics/series.h"

#include <optional>

#include "base/encoding.h"

namespace metrics {
namespace {

constexpr char kVersion = 1;

void append_text(std::string& out, std::string_view text) {
  base::append_u16(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

std::optional<std::string> take_text(std::string_view& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const std::size_t size = base::read_u16(bytes);
  if (bytes.size() < 2 + size) return std::nullopt;
  std::string text(bytes.substr(2, size));
  bytes.remove_prefix(2 + size);
  return text;
}

}  // namespace

std::string encode_series(const SeriesKey& key) {
  std::string bytes(1, kVersion);
  const MetricKey& metric = key.metric;
  for (const std::string* text :
       {&metric.account_id, &metric.region, &metric.space, &metric.name, &key.unit})
    append_text(bytes, *text);
  for (const Dimension& dimension : metric.dimensions) {
    append_text(bytes, dimension.name);
    append_text(bytes, dimension.value);
  }
  return bytes;
}

base::Result<SeriesKey> decode_series(std::string_view bytes) {
  const auto corrupt = [] {
    return base::error(base::ErrorCode::kCorruption, "a metric of an unknown form");
  };
  if (bytes.empty() || bytes[0] != kVersion) return corrupt();
  bytes.remove_prefix(1);
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    auto text = take_text(bytes);
    if (!text) return corrupt();
    texts.push_back(*std::move(text));
  }
  if (texts.size() < 5 || texts.size() % 2 == 0) return corrupt();
  SeriesKey key{.metric = {.account_id = std::move(texts[0]),
                           .region = std::move(texts[1]),
                           .space = std::move(texts[2]),
                           .name = std::move(texts[3]),
                           .dimensions = {}},
                .unit = std::move(texts[4])};
  for (std::size_t i = 5; i < texts.size(); i += 2)
    key.metric.dimensions.push_back({std::move(texts[i]), std::move(texts[i + 1])});
  return key;
}

}  // namespace metrics
