#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace base {

std::uint64_t Random::next() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CHECK(bound > 0);
  // Values under `reject` would make the low results more likely.
  const std::uint64_t reject = (0 - bound) % bound;
  std::uint64_t value = next();
  while (value < reject) value = next();
  return value % bound;
}

namespace {

void fill_from_system(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    CHECK(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

// Random bytes ahead of their use: a system call for each request's id would cost more than the
// rest of it. Each thread has its own; bytes that were handed out are erased. (Nothing of ours
// draws randomness in a forked child before it becomes another program, so no bytes are used
// twice.)
class Pool {
 public:
  void take(std::span<std::byte> out) {
    if (left_ < out.size()) {
      fill_from_system(bytes_);
      left_ = bytes_.size();
    }
    std::byte* const from = bytes_.data() + (left_ - out.size());
    std::memcpy(out.data(), from, out.size());
    explicit_bzero(from, out.size());
    left_ -= out.size();
  }
  static constexpr std::size_t kTakenMax = 128;

 private:
  std::array<std::byte, 4096> bytes_;
  std::size_t left_ = 0;
};

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
  static thread_local Pool pool;
  if (out.size() <= Pool::kTakenMax) pool.take(out);
  else fill_from_system(out);
}

SeededRandom::SeededRandom(std::uint64_t seed) : state_(seed) {}

// SplitMix64: one atomic addition a word, so the generator needs no lock.
void SeededRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    std::uint64_t z = std::atomic_ref(state_).fetch_add(0x9e3779b97f4a7c15U) + 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    z ^= z >> 31U;
    const std::size_t part = std::min(out.size(), sizeof z);
    std::memcpy(out.data(), &z, part);
    out = out.subspan(part);
  }
}

std::string random_text(Random& random, std::string_view alphabet, std::size_t length) {
  constexpr std::size_t kValues = 256;
  CHECK(!alphabet.empty() && alphabet.size() <= kValues);
  // Bytes from here on would make the first letters more likely.
  const auto letters = static_cast<std::uint32_t>(alphabet.size());
  const std::uint32_t usable = kValues - (kValues % letters);
  // value / letters, by a multiplication: exact for a byte.
  const std::uint32_t inverse = (0x10000 + letters - 1) / letters;
  std::string text(length, '\0');
  char* const letter = text.data();
  std::size_t have = 0;
  std::array<std::byte, 64> drawn;
  while (have < length) {
    const auto part = std::span(drawn).first(std::min(drawn.size(), length - have));
    random.fill(part);
    for (const std::byte byte : part) {
      const auto value = std::to_integer<std::uint32_t>(byte);
      letter[have] = alphabet[value - ((value * inverse) >> 16U) * letters];
      have += value < usable ? 1 : 0;  // else the next takes its place
    }
  }
  return text;
}

std::string uuid(Random& random) {
  std::array<std::byte, 16> bytes{};
  random.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string text(36, '-');
  char* at = text.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    *at++ = kHexDigits[std::to_integer<unsigned>(bytes[i]) >> 4U];
    *at++ = kHexDigits[std::to_integer<unsigned>(bytes[i]) & 15U];
  }
  return text;
}

}  // namespace base
