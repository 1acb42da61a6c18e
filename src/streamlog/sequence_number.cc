#include "streamlog/sequence_number.h"

#include <algorithm>
#include <array>

namespace streamlog {
namespace {

// 192 bits, most significant limb first: just enough arithmetic to print and read 188 bits.
using Wide = std::array<std::uint32_t, 6>;
constexpr std::size_t kBits = 192;
constexpr std::size_t kDigitsMax = 57;  // decimal digits of 2^188

// AWS takes no dates from here on (seconds since 1970: somewhere in the year 2477).
constexpr std::uint64_t kCreatedEnd = 16'025'175'000;

void shift_in(Wide& wide, std::uint64_t value, unsigned bits) {
  for (unsigned done = 0; done < bits; done += 4) {
    const auto nibble = static_cast<std::uint32_t>((value >> (bits - done - 4)) & 15U);
    std::uint32_t carry = nibble;
    for (std::size_t i = wide.size(); i-- > 0;) {
      const std::uint32_t next = wide[i] >> 28U;
      wide[i] = wide[i] << 4U | carry;
      carry = next;
    }
  }
}

std::uint64_t bits_at(const Wide& wide, unsigned lowest, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = count; i-- > 0;) {
    const unsigned bit = lowest + i;
    value = value << 1U | ((wide[wide.size() - 1 - bit / 32] >> (bit % 32)) & 1U);
  }
  return value;
}

bool is_zero(const Wide& wide) {
  return std::ranges::all_of(wide, [](std::uint32_t limb) { return limb == 0; });
}

std::uint32_t divide_by(Wide& wide, std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::uint32_t& limb : wide) {
    const std::uint64_t part = rest << 32U | limb;
    limb = static_cast<std::uint32_t>(part / divisor);
    rest = part % divisor;
  }
  return static_cast<std::uint32_t>(rest);
}

// False when the value no longer fits.
bool multiply_add(Wide& wide, std::uint32_t factor, std::uint32_t summand) {
  std::uint64_t carry = summand;
  for (std::size_t i = wide.size(); i-- > 0;) {
    const std::uint64_t part = static_cast<std::uint64_t>(wide[i]) * factor + carry;
    wide[i] = static_cast<std::uint32_t>(part);
    carry = part >> 32U;
  }
  return carry == 0;
}

// 47 digits that begin with 2.
std::optional<SequenceNumber> read_modern(const Wide& wide) {
  SequenceNumber number{.shard_created_s = bits_at(wide, 148, 36),
                        .shard_index = static_cast<std::uint32_t>(bits_at(wide, 4, 32))};
  switch (bits_at(wide, 0, 4)) {
    case 1:
      number.version = SequenceVersion::kOne;
      number.arrival_s = bits_at(wide, 100, 36);
      return number;
    case 2:
      number.position = bits_at(wide, 80, 64);
      number.arrival_s = bits_at(wide, 36, 36);
      if (number.position > kPositionMax) return std::nullopt;
      return number;
    default: return std::nullopt;
  }
}

// Below 2^125, with or without the leading 1.
SequenceNumber read_oldest(const Wide& wide) {
  return {.shard_created_s = bits_at(wide, 88, 36),
          .shard_index = static_cast<std::uint32_t>(bits_at(wide, 0, 16)),
          .version = SequenceVersion::kZero};
}

}  // namespace

std::string SequenceNumber::to_string() const {
  Wide wide{};
  shift_in(wide, 2, 4);
  shift_in(wide, shard_created_s, 36);
  shift_in(wide, shard_index & 15U, 4);
  shift_in(wide, position, 64);
  shift_in(wide, 0, 8);
  shift_in(wide, arrival_s, 36);
  shift_in(wide, shard_index, 32);
  shift_in(wide, 2, 4);
  std::string digits;
  while (!is_zero(wide)) {
    std::uint32_t part = divide_by(wide, 1'000'000'000);
    for (int i = 0; i < 9; ++i, part /= 10) digits += static_cast<char>('0' + part % 10);
  }
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  std::ranges::reverse(digits);
  return digits;
}

std::optional<SequenceNumber> SequenceNumber::parse(std::string_view decimal) {
  if (decimal.empty() || decimal.size() > kDigitsMax) return std::nullopt;
  Wide wide{};
  for (const char c : decimal) {
    if (c < '0' || c > '9') return std::nullopt;
    if (!multiply_add(wide, 10, static_cast<std::uint32_t>(c - '0'))) return std::nullopt;
  }
  std::optional<SequenceNumber> number;
  if (bits_at(wide, 184, kBits - 184) == 2) number = read_modern(wide);
  else if (bits_at(wide, 125, 64) == 0) number = read_oldest(wide);
  if (number && number->shard_created_s >= kCreatedEnd) return std::nullopt;
  return number;
}

}  // namespace streamlog
