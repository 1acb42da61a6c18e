#include "services/logs/tokens.h"

#include <fmt/format.h>

#include <charconv>

namespace services::logs {
namespace {

// Widths of the parts after the leading digit; together 55.
constexpr std::size_t kTimeDigits = 17;
constexpr std::size_t kNumberDigits = 19;
constexpr std::uint64_t kTimeMax = 99'999'999'999'999'999;

std::string digits(std::uint64_t time, std::uint64_t stream, std::uint64_t order) {
  return fmt::format("3{:017}{:019}{:019}", std::min(time, kTimeMax), stream, order);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || at != end) return std::nullopt;
  return value;
}

}  // namespace

std::string upload_token(std::uint64_t stream, std::uint64_t last_order) {
  return fmt::format("49{:027}{:027}", stream, last_order);
}

std::string event_id(std::uint64_t stream, journal::Position position) {
  return digits(position.time_ms, stream, position.order);
}

std::string PageToken::to_string() const {
  return fmt::format("{}/{}/s", forward ? 'f' : 'b',
                     digits(position.time_ms, stream, position.order));
}

std::optional<PageToken> PageToken::parse(std::string_view text) {
  constexpr std::size_t kSize = 2 + 1 + kTimeDigits + 2 * kNumberDigits + 2;
  if (text.size() != kSize || !text.ends_with("/s")) return std::nullopt;
  if (!text.starts_with("f/3") && !text.starts_with("b/3")) return std::nullopt;
  const auto time = number(text.substr(3, kTimeDigits));
  const auto stream = number(text.substr(3 + kTimeDigits, kNumberDigits));
  const auto order = number(text.substr(3 + kTimeDigits + kNumberDigits, kNumberDigits));
  if (!time || !stream || !order) return std::nullopt;
  return PageToken{.forward = text[0] == 'f', .stream = *stream, .position = {*time, *order}};
}

}  // namespace services::logs
