#pragma once

// Strong<Tag, T>: a value that cannot be mistaken for another of the same representation.
//   using ShardIndex = base::Strong<struct ShardIndexTag, std::uint32_t>;
// Compares and hashes; does no arithmetic unless the user unwraps it with value().

#include <compare>
#include <functional>
#include <utility>

namespace base {

template <class Tag, class T>
class Strong {
 public:
  using Value = T;

  Strong() = default;
  explicit Strong(T value) : value_(std::move(value)) {}

  const T& value() const { return value_; }
  auto operator<=>(const Strong&) const = default;

 private:
  T value_{};
};

}  // namespace base

template <class Tag, class T>
struct std::hash<base::Strong<Tag, T>> {
  std::size_t operator()(const base::Strong<Tag, T>& id) const {
    return std::hash<T>{}(id.value());
  }
};
