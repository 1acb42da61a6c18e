#pragma once

// api::Packed: a map of a request, or the bytes that its service keeps of it, made straight from
// the request's text (wire/packing.h). Then the map is made when somebody asks for it. A value; not
// to be looked into by two threads at once.

#include <string>
#include <string_view>
#include <utility>

namespace api {

template <class Map>
class Packed {
 public:
  using Unpack = Map (*)(std::string_view packed);

  Packed() = default;
  Packed(Map map) : map_(std::move(map)) {}  // NOLINT: a map is one
  // `packed` is not empty.
  Packed(std::string packed, Unpack unpack) : packed_(std::move(packed)), unpack_(unpack) {}

  bool is_packed() const { return !packed_.empty(); }
  std::string take_packed() { return std::exchange(packed_, {}); }
  const Map& operator*() const {
    if (is_packed()) map_ = unpack_(std::exchange(packed_, {}));
    return map_;
  }
  Map& operator*() { return const_cast<Map&>(*std::as_const(*this)); }
  const Map* operator->() const { return &**this; }

 private:
  mutable std::string packed_;
  Unpack unpack_ = nullptr;
  mutable Map map_;
};

}  // namespace api
