#pragma once

// Names that protocols compare without regard to case. ASCII's letters only: all other bytes stand
// for themselves. Pure functions.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace base {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

namespace detail {
inline std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
// The same of eight bytes at once. No sum carries from one byte into the next.
constexpr std::uint64_t lower_word(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t low = word & (kOnes * 0x7f);
  const std::uint64_t from_a = low + kOnes * (0x80 - 'A');        // the top bit: 'A' or above
  const std::uint64_t beyond_z = low + kOnes * (0x80 - 1 - 'Z');  // the top bit: above 'Z'
  const std::uint64_t upper = (from_a ^ beyond_z) & ~word & (kOnes * 0x80);
  return word | upper >> 2U;
}
// Of texts of one length.
inline bool letters_match(std::string_view a, std::string_view b) {
  constexpr std::size_t kWord = 8;
  if (a.size() < kWord) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
    return true;
  }
  const auto differ = [&](std::size_t at) {
    const std::uint64_t left = word_at(a.data() + at);
    const std::uint64_t right = word_at(b.data() + at);
    return left != right && lower_word(left) != lower_word(right);
  };
  // The last word first: names differ at their ends more often than at their beginnings.
  const std::size_t last = a.size() - kWord;
  if (differ(last)) return false;
  for (std::size_t at = 0; at < last; at += kWord)
    if (differ(at)) return false;
  return true;
}
}  // namespace detail

// Most names differ in length already: only that is looked at in place.
[[gnu::always_inline]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && detail::letters_match(a, b);
}

}  // namespace base
