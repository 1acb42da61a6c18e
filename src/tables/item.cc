#include "tables/item.h"

#include "tables/record.h"
#include "tables/stored_item.h"

namespace tables {

namespace {

using stored::count;
using stored::kDepthMax;
using stored::kVersion;

// A Value::Member in the store: the enumeration's order is part of the format.
static_assert(static_cast<int>(Type::kS) == 1 && static_cast<int>(Type::kN) == 2 &&
              static_cast<int>(Type::kB) == 3 && static_cast<int>(Type::kSS) == 4 &&
              static_cast<int>(Type::kNS) == 5 && static_cast<int>(Type::kBS) == 6 &&
              static_cast<int>(Type::kM) == 7 && static_cast<int>(Type::kL) == 8 &&
              static_cast<int>(Type::kNULL) == 9 && static_cast<int>(Type::kBOOL) == 10);

void write(ByteWriter& out, const Value& value);

void write(ByteWriter& out, const std::vector<std::string>& set) {
  out.varint(set.size());
  for (const auto& one : set) out.bytes(one);
}

void write(ByteWriter& out, const Item& map) {
  out.varint(map.size());
  for (const auto& [name, value] : map) {
    out.bytes(name);
    write(out, value);
  }
}

void write(ByteWriter& out, const Value& value) {
  out.byte(static_cast<std::uint8_t>(value.member()));
  switch (value.member()) {
    case Type::kNone: return;
    case Type::kS: return out.bytes(value.s());
    case Type::kN: return out.bytes(value.n());
    case Type::kB: return out.bytes(value.b());
    case Type::kSS: return write(out, value.ss());
    case Type::kNS: return write(out, value.ns());
    case Type::kBS: return write(out, value.bs());
    case Type::kM: return write(out, value.m());
    case Type::kL:
      out.varint(value.l().size());
      for (const Value& inner : value.l()) write(out, inner);
      return;
    case Type::kNULL: return;
    case Type::kBOOL: return out.byte(value.bool_() ? 1 : 0);
  }
}

std::optional<Value> read(ByteReader& in, int depth);

std::optional<std::vector<std::string>> read_set(ByteReader& in) {
  const auto n = count(in);
  if (!n) return std::nullopt;
  std::vector<std::string> set;
  set.reserve(*n);
  for (std::size_t i = 0; i < *n; ++i) set.emplace_back(in.bytes());
  if (in.bad()) return std::nullopt;
  return set;
}

std::optional<Item> read_map(ByteReader& in, int depth) {
  const auto n = count(in);
  if (!n) return std::nullopt;
  Item map;
  for (std::size_t i = 0; i < *n; ++i) {
    std::string name(in.bytes());
    auto value = read(in, depth);
    if (!value) return std::nullopt;
    // Written in order, so each belongs at the end.
    map.emplace_hint(map.end(), std::move(name), *std::move(value));
  }
  return map;
}

std::optional<Value> read_list(ByteReader& in, int depth) {
  const auto n = count(in);
  if (!n) return std::nullopt;
  std::vector<Value> list;
  for (std::size_t i = 0; i < *n; ++i) {
    auto value = read(in, depth);
    if (!value) return std::nullopt;
    list.push_back(*std::move(value));
  }
  return Value::of_l(std::move(list));
}

std::optional<Value> read(ByteReader& in, int depth) {
  const auto type = static_cast<Type>(in.byte());
  if (in.bad() || depth > kDepthMax) return std::nullopt;
  const auto made = [&](auto value) -> std::optional<Value> {
    if (in.bad()) return std::nullopt;
    return value;
  };
  switch (type) {
    case Type::kS: return made(Value::of_s(std::string(in.bytes())));
    case Type::kN: return made(Value::of_n(std::string(in.bytes())));
    case Type::kB: return made(Value::of_b(std::string(in.bytes())));
    case Type::kNULL: return Value::of_null(true);
    case Type::kBOOL: return made(Value::of_bool(in.byte() != 0));
    case Type::kL: return read_list(in, depth + 1);
    case Type::kM: {
      auto map = read_map(in, depth + 1);
      if (!map) return std::nullopt;
      return Value::of_m(*std::move(map));
    }
    case Type::kSS:
    case Type::kNS:
    case Type::kBS: {
      auto set = read_set(in);
      if (!set) return std::nullopt;
      if (type == Type::kSS) return Value::of_ss(*std::move(set));
      if (type == Type::kNS) return Value::of_ns(*std::move(set));
      return Value::of_bs(*std::move(set));
    }
    default: return std::nullopt;
  }
}

}  // namespace

std::string encode_item(const Item& item, std::size_t bytes) {
  // Of what is not in AWS's count: lengths and types, and digits, of which two count as one.
  constexpr std::size_t kMore = 28, kMoreOfEach = 6;
  ByteWriter out;
  out.reserve(bytes + kMore + kMoreOfEach * item.size());
  out.byte(kVersion);
  write(out, item);
  return out.take();
}

base::Result<Item> decode_item(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.byte() != kVersion || in.bad())
    return base::error(base::ErrorCode::kCorruption, "an item of an unknown version");
  auto item = read_map(in, 0);
  if (!item || !in.done() || in.bad())
    return base::error(base::ErrorCode::kCorruption, "an item whose bytes do not fit together");
  return *std::move(item);
}

}  // namespace tables
