#pragma once

// Record: the byte form of what tables persist. Two layers: varints and length-prefixed bytes
// (ByteWriter, ByteReader), and numbered fields (a tag, a length, bytes) so that fields can be
// added later: a reader skips tags it does not know. Pure. A ByteReader never reads beyond its
// bytes; once something does not fit it is `bad` and answers zeros.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tables {

class ByteWriter {
 public:
  void byte(std::uint8_t value) {
    *room(1) = static_cast<char>(value);
    ++used_;
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80U; value >>= 7U) byte(static_cast<std::uint8_t>(value | 0x80U));
    byte(static_cast<std::uint8_t>(value));
  }
  void bytes(std::string_view value) {
    varint(value.size());
    raw(value);
  }
  void raw(std::string_view value) {
    value.copy(room(value.size()), value.size());
    used_ += value.size();
  }
  void field(std::uint64_t tag, std::string_view value) {
    varint(tag);
    bytes(value);
  }
  void field(std::uint64_t tag, std::uint64_t value) {
    ByteWriter number;
    number.varint(value);
    field(tag, std::string_view(number.out_).substr(0, number.used_));
  }
  void reserve(std::size_t bytes_wanted) { room(bytes_wanted); }
  std::string take() {
    out_.resize(std::exchange(used_, 0));
    return std::move(out_);
  }

 private:
  // Where the next bytes go, with room for so many.
  char* room(std::size_t bytes) {
    if (out_.size() - used_ < bytes) grow(bytes);
    return out_.data() + used_;
  }
  [[gnu::noinline]] void grow(std::size_t bytes) {
    out_.resize(std::max(used_ + bytes, 2 * out_.size()));
  }

  std::string out_;  // longer than what is written
  std::size_t used_ = 0;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  bool bad() const { return bad_; }
  bool done() const { return bad_ || in_.empty(); }
  std::size_t left() const { return in_.size(); }

  std::uint8_t byte() {
    if (in_.empty()) return fail(), 0;
    const auto value = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    return value;
  }
  std::uint64_t varint() {
    if (!in_.empty() && static_cast<std::uint8_t>(in_.front()) < 0x80U) return byte();
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= std::uint64_t(next & 0x7FU) << shift;
      if ((next & 0x80U) == 0) return value;
    }
    return fail(), 0;
  }
  std::string_view bytes() {
    const std::uint64_t size = varint();
    if (bad_ || size > in_.size()) return fail(), std::string_view();
    const std::string_view value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  // The value of a numeric field.
  static std::uint64_t number(std::string_view field) { return ByteReader(field).varint(); }

 private:
  void fail() {
    bad_ = true;
    in_ = {};
  }
  std::string_view in_;
  bool bad_ = false;
};

}  // namespace tables
