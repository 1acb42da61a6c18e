#include "streamlog/sequence_number.h"

#include <array>
#include <cstring>

namespace streamlog {
namespace {

// 192 bits, most significant limb first: just enough arithmetic to print and read 188 bits.
using Wide = std::array<std::uint32_t, 6>;
constexpr std::size_t kBits = 192;
constexpr std::size_t kDigitsMax = 57;  // decimal digits of 2^188

// AWS takes no dates from here on (seconds since 1970: somewhere in the year 2477).
constexpr std::uint64_t kCreatedEnd = 16'025'175'000;

// Sets the bits from `lowest` on, which were zero.
void set_bits(Wide& wide, unsigned lowest, std::uint64_t value) {
  std::size_t limb = wide.size() - 1 - lowest / 32;
  unsigned __int128 rest = static_cast<unsigned __int128>(value) << (lowest % 32);
  for (; rest != 0; rest >>= 32U) wide[limb--] |= static_cast<std::uint32_t>(rest);
}

std::uint64_t bits_at(const Wide& wide, unsigned lowest, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = count; i-- > 0;) {
    const unsigned bit = lowest + i;
    value = value << 1U | ((wide[wide.size() - 1 - bit / 32] >> (bit % 32)) & 1U);
  }
  return value;
}

constexpr std::uint32_t kBillion = 1'000'000'000;

// Takes the last nine decimal digits off; limbs before `first` are zero.
std::uint32_t take_nine_digits(Wide& wide, std::size_t first) {
  std::uint64_t rest = 0;
  for (std::size_t i = first; i < wide.size(); ++i) {
    const std::uint64_t part = rest << 32U | wide[i];
    wide[i] = static_cast<std::uint32_t>(part / kBillion);
    rest = part % kBillion;
  }
  return static_cast<std::uint32_t>(rest);
}

constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// Nine digits with their leading zeros, up to `end`; answers where they begin.
char* write_nine_digits(char* end, std::uint32_t value) {
  for (int pair = 0; pair < 4; ++pair, value /= 100) {
    end -= 2;
    std::memcpy(end, kPairs.data() + std::size_t{2} * (value % 100), 2);
  }
  *--end = static_cast<char>('0' + value);
  return end;
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
  set_bits(wide, 184, 2);
  set_bits(wide, 148, shard_created_s);
  set_bits(wide, 144, shard_index & 15U);
  set_bits(wide, 80, position);
  set_bits(wide, 36, arrival_s);
  set_bits(wide, 4, shard_index);
  set_bits(wide, 0, 2);
  // From the last digit to the first.
  std::array<char, 63> digits;
  char* first = digits.end();
  // Each division empties a limb, of which one is kept in hand.
  for (std::size_t group = 0; group < 7; ++group)
    first = write_nine_digits(first, take_nine_digits(wide, group == 0 ? 0 : group - 1));
  while (first != digits.end() - 1 && *first == '0') ++first;
  return {first, digits.end()};
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
