#include "stacks/cidr.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace stacks {

namespace {

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max)
    return std::nullopt;
  return value;
}

std::optional<std::uint32_t> address(std::string_view text) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    const auto part = number(text.substr(0, dot), 255);
    if (!part) return std::nullopt;
    value = value << 8U | *part;
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return value;
}

}  // namespace

base::Result<std::vector<std::string>> cidr_blocks(const std::string& block,
                                                   const std::string& count,
                                                   const std::string& bits) {
  const auto slash = block.find('/');
  const auto first = address(std::string_view(block).substr(0, slash));
  const auto prefix = slash == std::string::npos
                          ? std::nullopt
                          : number(std::string_view(block).substr(slash + 1), 32);
  const auto wanted = number(count, 256);
  const auto host_bits = number(bits, 31);
  if (!first || !prefix || !wanted || *wanted == 0 || !host_bits || *host_bits == 0)
    return base::error(base::ErrorCode::kInvalidArgument,
                       fmt::format("Template error: Fn::Cidr needs an IPv4 block, a count of 1 to "
                                   "256 and host bits of 1 to 31, not {}, {}, {}",
                                   block, count, bits));
  const std::uint64_t size = 1ULL << *host_bits;
  const std::uint64_t room = 1ULL << (32 - *prefix);
  if (size * *wanted > room)
    return base::error(base::ErrorCode::kInvalidArgument,
                       fmt::format("Template error: {} blocks of {} host bits do not fit in {}",
                                   count, bits, block));
  const std::uint64_t start = *first & ~(room - 1);
  std::vector<std::string> blocks;
  for (std::uint64_t i = 0; i < *wanted; ++i) {
    const std::uint64_t at = start + i * size;
    blocks.push_back(fmt::format("{}.{}.{}.{}/{}", at >> 24U & 255U, at >> 16U & 255U,
                                 at >> 8U & 255U, at & 255U, 32 - *host_bits));
  }
  return blocks;
}

}  // namespace stacks
