#include "tables/stored_item.h"

#include "tables/number.h"

namespace tables {

namespace {

// Of a value: value_size(), and what storage_overhead() counts for it.
struct ValueSizes {
  std::size_t value = 0;
  std::ptrdiff_t overhead = 0;
};

std::optional<ValueSizes> value_sizes(ByteReader& in, int depth);

std::optional<ValueSizes> map_sizes(ByteReader& in, int depth) {
  const auto n = stored::count(in);
  if (!n) return std::nullopt;
  ValueSizes sum{.value = 3};
  for (std::size_t i = 0; i < *n; ++i) {
    const std::size_t name = in.bytes().size();
    const auto one = value_sizes(in, depth);
    if (!one) return std::nullopt;
    sum.value += 1 + name + one->value;
    sum.overhead += 1 - static_cast<std::ptrdiff_t>(name) + one->overhead;
  }
  return sum;
}

std::optional<ValueSizes> list_sizes(ByteReader& in, int depth) {
  const auto n = stored::count(in);
  if (!n) return std::nullopt;
  ValueSizes sum{.value = 3};
  for (std::size_t i = 0; i < *n; ++i) {
    const auto one = value_sizes(in, depth);
    if (!one) return std::nullopt;
    sum.value += 1 + one->value;
    sum.overhead += one->overhead;
  }
  return sum;
}

std::optional<ValueSizes> set_sizes(ByteReader& in, bool numbers) {
  const auto n = stored::count(in);
  if (!n) return std::nullopt;
  ValueSizes sum{.overhead = static_cast<std::ptrdiff_t>(*n) + 1};
  for (std::size_t i = 0; i < *n; ++i) {
    const std::string_view text = in.bytes();
    sum.value += numbers ? number_size(text) : text.size();
  }
  return sum;
}

std::optional<ValueSizes> value_sizes(ByteReader& in, int depth) {
  const auto type = static_cast<Type>(in.byte());
  if (in.bad() || depth > stored::kDepthMax) return std::nullopt;
  switch (type) {
    case Type::kS: {
      const std::size_t size = in.bytes().size();
      return ValueSizes{size, text_length_bytes(size)};
    }
    case Type::kN: return ValueSizes{number_size(in.bytes()), 1};
    case Type::kB: return ValueSizes{in.bytes().size(), 1};
    case Type::kBOOL: in.byte(); return ValueSizes{1, 0};
    case Type::kNULL: return ValueSizes{1, -1};
    case Type::kSS:
    case Type::kNS:
    case Type::kBS: return set_sizes(in, type == Type::kNS);
    case Type::kM: return map_sizes(in, depth + 1);
    case Type::kL: return list_sizes(in, depth + 1);
    default: return std::nullopt;
  }
}

// A visitor of what nobody wants to know.
struct Skip {
  void name(std::string_view) {}
  void scalar(Type, std::string_view) {}
  void boolean(bool) {}
  void null() {}
  void begin(Type) {}
  void end(Type) {}
};

}  // namespace

std::optional<StoredSizes> stored_sizes(const KeySchema& schema, std::string_view bytes) {
  ByteReader in(bytes);
  if (in.byte() != stored::kVersion) return std::nullopt;
  const auto n = stored::count(in);
  if (!n) return std::nullopt;
  std::size_t item = 0, range = 0;
  std::ptrdiff_t rest = 0;
  for (std::size_t i = 0; i < *n; ++i) {
    const std::string_view name = in.bytes();
    const auto one = value_sizes(in, 0);
    if (!one) return std::nullopt;
    item += name.size() + one->value;
    if (schema.range && schema.range->name == name) range = one->value;
    else rest += 1 + static_cast<std::ptrdiff_t>(one->value) + one->overhead;
  }
  if (in.bad() || in.left() > 0) return std::nullopt;
  return StoredSizes{item, stored_size(static_cast<std::size_t>(rest), range)};
}

std::optional<Scalar> find_stored(std::string_view bytes, std::string_view name) {
  ByteReader in(bytes);
  in.byte();
  const auto n = stored::count(in);
  Skip skip;
  for (std::size_t i = 0; n && i < *n; ++i) {
    if (in.bytes() != name) {
      if (!stored::visit_value(in, skip, 0)) return std::nullopt;
      continue;
    }
    const auto type = static_cast<Type>(in.byte());
    const bool is_text = type == Type::kS || type == Type::kN || type == Type::kB;
    return Scalar{type, is_text ? in.bytes() : std::string_view()};
  }
  return std::nullopt;
}

}  // namespace tables
