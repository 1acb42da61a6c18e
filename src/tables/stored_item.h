#pragma once

// Looking at an item in its stored form (item.h) without making Values of it: how large it is, and
// what is in it, in order. Pure.

#include <optional>
#include <string_view>

#include "tables/key.h"
#include "tables/record.h"
#include "tables/value.h"

namespace tables {

struct StoredSizes {
  std::size_t item = 0;    // item_size()
  std::size_t stored = 0;  // stored_size()
};
// nullopt: the bytes are no item.
std::optional<StoredSizes> stored_sizes(const KeySchema& schema, std::string_view bytes);

// The attribute of that name, if the item has it.
std::optional<Scalar> find_stored(std::string_view bytes, std::string_view name);

// The names and values of the item, as calls:
//   name(text), and then what the value is:
//   scalar(type, text) for S, N and B; boolean(bool); null();
//   begin(type), what is inside, end(type) for sets (scalars), lists and maps.
// Nothing more follows an answer of false: the bytes are no item.
template <class Visitor>
bool visit_stored(std::string_view bytes, Visitor& visitor);

namespace stored {

inline constexpr std::uint8_t kVersion = 1;
// Nothing nests deeper when it is stored; who meets more looks at damaged bytes.
inline constexpr int kDepthMax = 256;

// A count of elements, each of at least one byte.
inline std::optional<std::size_t> count(ByteReader& in) {
  const std::uint64_t n = in.varint();
  if (in.bad() || n > in.left()) return std::nullopt;
  return n;
}

template <class Visitor>
bool visit_value(ByteReader& in, Visitor& visitor, int depth);

template <class Visitor>
bool visit_map(ByteReader& in, Visitor& visitor, int depth) {
  const auto n = count(in);
  for (std::size_t i = 0; n && i < *n; ++i) {
    const std::string_view name = in.bytes();
    if (in.bad()) return false;
    visitor.name(name);
    if (!visit_value(in, visitor, depth)) return false;
  }
  return n.has_value();
}

template <class Visitor>
bool visit_elements(ByteReader& in, Visitor& visitor, Type type, int depth) {
  if (type == Type::kM) return visit_map(in, visitor, depth);
  const Type element = type == Type::kSS ? Type::kS : type == Type::kNS ? Type::kN : Type::kB;
  const auto n = count(in);
  for (std::size_t i = 0; n && i < *n; ++i) {
    if (type == Type::kL) {
      if (!visit_value(in, visitor, depth)) return false;
      continue;
    }
    const std::string_view text = in.bytes();
    if (in.bad()) return false;
    visitor.scalar(element, text);
  }
  return n.has_value();
}

template <class Visitor>
bool visit_value(ByteReader& in, Visitor& visitor, int depth) {
  const auto type = static_cast<Type>(in.byte());
  if (in.bad() || depth > kDepthMax) return false;
  switch (type) {
    case Type::kS:
    case Type::kN:
    case Type::kB: {
      const std::string_view text = in.bytes();
      if (!in.bad()) visitor.scalar(type, text);
      return !in.bad();
    }
    case Type::kBOOL: {
      const bool value = in.byte() != 0;
      if (!in.bad()) visitor.boolean(value);
      return !in.bad();
    }
    case Type::kNULL: visitor.null(); return true;
    case Type::kSS:
    case Type::kNS:
    case Type::kBS:
    case Type::kM:
    case Type::kL:
      visitor.begin(type);
      if (!visit_elements(in, visitor, type, depth + 1)) return false;
      visitor.end(type);
      return true;
    default: return false;
  }
}

}  // namespace stored

template <class Visitor>
bool visit_stored(std::string_view bytes, Visitor& visitor) {
  ByteReader in(bytes);
  if (in.byte() != stored::kVersion || in.bad()) return false;
  return stored::visit_map(in, visitor, 0) && in.left() == 0;
}

}  // namespace tables
