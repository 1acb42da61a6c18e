#include "tables/key.h"

#include "base/check.h"
#include "tables/lazy_item.h"
#include "tables/number.h"

namespace tables {

namespace {

// Strings end with 00 01; a zero byte inside becomes 00 FF.
constexpr char kEscape = 0;
constexpr char kEnd = 1;
constexpr std::size_t kPartitionHashBytes = 2;
constexpr char kZeroByte = static_cast<char>(0xFF);

std::string_view text_of(const Value& value) {
  switch (value.member()) {
    case Type::kS: return value.s();
    case Type::kN: return value.n();
    case Type::kB: return value.b();
    default: return {};
  }
}

std::optional<api::Error> check_size(const Scalar& value, bool is_hash) {
  if (value.type == Type::kN) return std::nullopt;
  const std::size_t size = value.text.size();
  if (is_hash && size > kHashKeyBytesMax)
    return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
  if (!is_hash && size > kRangeKeyBytesMax)
    return invalid_parameter(
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  return std::nullopt;
}

std::optional<api::Error> check_empty(const Scalar& value, const std::string& name) {
  if (value.type == Type::kN || !value.text.empty()) return std::nullopt;
  return validation(
      std::string("One or more parameter values are not valid. The AttributeValue for a key "
                  "attribute cannot contain an empty ") +
      (value.type == Type::kS ? "string" : "binary") + " value. Key: " + name);
}

}  // namespace

void append_key_prefix(std::string& out, std::string_view prefix) {
  for (;;) {
    const std::size_t zero = prefix.find(kEscape);
    out += prefix.substr(0, zero);
    if (zero == std::string_view::npos) return;
    out += kEscape;
    out += kZeroByte;
    prefix.remove_prefix(zero + 1);
  }
}

std::optional<Scalar> find_scalar(const Item& item, const std::string& name) {
  const auto found = item.find(name);
  if (found == item.end()) return std::nullopt;
  return Scalar{found->second.member(), text_of(found->second)};
}

std::optional<Scalar> find_scalar(const LazyItem& item, const std::string& name) {
  return item.find(name);
}

void append_key_value(std::string& out, const Scalar& value) {
  if (value.type == Type::kN) {
    // Values are normalised, so this cannot fail; a number that does would sort as zero.
    Number::parse(value.text).value_or(Number()).append_key(out);
    return;
  }
  append_key_prefix(out, value.text);
  out += kEscape;
  out += kEnd;
}

void append_key_value(std::string& out, const Value& value) {
  append_key_value(out, Scalar{value.member(), text_of(value)});
}

std::uint16_t partition_hash(std::string_view encoded_hash_key) {
  // FNV-1a with a final mix: part of the format, never to change.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : encoded_hash_key) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  hash ^= hash >> 33U;
  hash *= 0xff51afd7ed558ccdU;
  hash ^= hash >> 33U;
  return static_cast<std::uint16_t>(hash >> 48U);
}

namespace {

// Its attributes have been checked.
template <class AnyItem>
void append_attribute(std::string& out, const KeyAttribute& attribute, const AnyItem& item) {
  const auto found = find_scalar(item, attribute.name);
  CHECK(found);
  append_key_value(out, *found);
}

template <class AnyItem>
void append_partition(std::string& out, const KeySchema& schema, const AnyItem& item) {
  const std::size_t begin = out.size();
  out.append(kPartitionHashBytes, '\0');
  append_attribute(out, schema.hash, item);
  for (const KeyAttribute& one : schema.more_hash) append_attribute(out, one, item);
  const std::uint16_t hash =
      partition_hash(std::string_view(out).substr(begin + kPartitionHashBytes));
  out[begin] = static_cast<char>(hash >> 8U);
  out[begin + 1] = static_cast<char>(hash);
}

template <class AnyItem>
void append_whole_key(std::string& out, const KeySchema& schema, const AnyItem& item) {
  append_partition(out, schema, item);
  if (schema.range) append_attribute(out, *schema.range, item);
  for (const KeyAttribute& one : schema.more_range) append_attribute(out, one, item);
}

}  // namespace

std::string encode_partition(const KeySchema& schema, const Item& item) {
  std::string out;
  append_partition(out, schema, item);
  return out;
}

void append_key(std::string& out, const KeySchema& schema, const Item& item) {
  append_whole_key(out, schema, item);
}

void append_key(std::string& out, const KeySchema& schema, const LazyItem& item) {
  append_whole_key(out, schema, item);
}

std::string encode_key(const KeySchema& schema, const Item& item) {
  std::string out;
  append_key(out, schema, item);
  return out;
}

std::size_t stored_size(std::size_t rest, std::size_t range) {
  // Measured against AWS by the tests of dynalite.
  constexpr std::size_t kHead = 2, kChunk = 3072, kChunkHead = 18;
  return kHead + rest + (1 + (1 + rest) / kChunk) * (kChunkHead + range);
}

std::size_t stored_size(const KeySchema& schema, const Item& item, std::size_t bytes) {
  auto size = static_cast<std::ptrdiff_t>(bytes);
  std::size_t range = 0;
  for (const auto& [name, value] : item) {
    if (schema.range && schema.range->name == name) {
      range = value_size(value);
      size -= static_cast<std::ptrdiff_t>(name.size() + range);
    } else {
      size += storage_overhead(name, value);
    }
  }
  return stored_size(static_cast<std::size_t>(size), range);
}

Item key_of(const KeySchema& schema, const Item& item) {
  Item key;
  schema.each([&](const KeyAttribute& one, bool) {
    if (const auto found = item.find(one.name); found != item.end()) key.insert(*found);
    return false;
  });
  return key;
}

std::optional<api::Error> check_key(const KeySchema& schema, const Item& key) {
  constexpr const char* kMismatch = "The provided key element does not match the schema";
  if (key.size() != schema.size()) return validation(kMismatch);
  return schema.each([&](const KeyAttribute& attribute, bool is_hash) -> std::optional<api::Error> {
    const auto found = find_scalar(key, attribute.name);
    if (!found || found->type != attribute.type) return validation(kMismatch);
    if (auto wrong = check_empty(*found, attribute.name)) return wrong;
    return check_size(*found, is_hash);
  });
}

namespace {
template <class AnyItem>
std::optional<api::Error> check_key_within(const KeySchema& schema, const AnyItem& item) {
  return schema.each([&](const KeyAttribute& attribute, bool is_hash) -> std::optional<api::Error> {
    const auto found = find_scalar(item, attribute.name);
    if (!found) return invalid_parameter("Missing the key " + attribute.name + " in the item");
    if (found->type != attribute.type)
      return invalid_parameter("Type mismatch for key " + attribute.name +
                               " expected: " + std::string(type_name(attribute.type)) +
                               " actual: " + std::string(type_name(found->type)));
    if (auto wrong = check_empty(*found, attribute.name)) return wrong;
    return check_size(*found, is_hash);
  });
}

}  // namespace

std::optional<api::Error> check_item_key(const KeySchema& schema, const Item& item) {
  return check_key_within(schema, item);
}

std::optional<api::Error> check_item_key(const KeySchema& schema, const LazyItem& item) {
  return check_key_within(schema, item);
}

}  // namespace tables
