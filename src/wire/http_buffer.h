#pragma once

// InputBuffer: bytes read from a connection and not used yet. Grows on demand, and shrinks again
// when it is empty, so that idle connections stay small.

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.h"

namespace wire {

class InputBuffer {
 public:
  static constexpr std::size_t kInitialBytes = 8 * 1024;
  static constexpr std::size_t kKeptBytes = 32 * 1024;

  std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }

  void consume(std::size_t count) {
    CHECK(count <= size());
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for at least one more byte; valid until the next call. Doubles when it is full.
  std::span<char> prepare() {
    if (end_ < capacity_) return {bytes_.get() + end_, capacity_ - end_};
    if (begin_ > 0) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
      return prepare();
    }
    const std::size_t grown = std::max(kInitialBytes, capacity_ * 2);
    auto bigger = std::make_unique_for_overwrite<char[]>(grown);
    if (end_ > 0) std::memcpy(bigger.get(), bytes_.get(), end_);
    bytes_ = std::move(bigger);
    capacity_ = grown;
    return prepare();
  }
  void commit(std::size_t count) { end_ += count; }
  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto room = prepare();
      const std::size_t count = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), count);
      commit(count);
      bytes.remove_prefix(count);
    }
  }
  void shrink_if_empty() {
    if (!empty() || capacity_ <= kKeptBytes) return;
    bytes_.reset();
    capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace wire
