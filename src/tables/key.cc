#include "tables/key.h"

#include "tables/number.h"

namespace tables {

namespace {

// Strings end with 00 01; a zero byte inside becomes 00 FF.
constexpr char kEscape = 0;
constexpr char kEnd = 1;
constexpr std::size_t kPartitionHashBytes = 2;
constexpr char kZeroByte = static_cast<char>(0xFF);

const std::string& bytes_of(const Value& value) { return value.is_s() ? value.s() : value.b(); }

std::optional<api::Error> check_size(const Value& value, bool is_hash) {
  if (value.is_n()) return std::nullopt;
  const std::size_t size = bytes_of(value).size();
  if (is_hash && size > kHashKeyBytesMax)
    return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
  if (!is_hash && size > kRangeKeyBytesMax)
    return invalid_parameter(
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  return std::nullopt;
}

std::optional<api::Error> check_empty(const Value& value, const std::string& name) {
  if (value.is_n() || !bytes_of(value).empty()) return std::nullopt;
  return validation(
      std::string("One or more parameter values are not valid. The AttributeValue for a key "
                  "attribute cannot contain an empty ") +
      (value.is_s() ? "string" : "binary") + " value. Key: " + name);
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

void append_key_value(std::string& out, const Value& value) {
  if (value.is_n()) {
    // Values are normalised, so this cannot fail; a number that does would sort as zero.
    Number::parse(value.n()).value_or(Number()).append_key(out);
    return;
  }
  append_key_prefix(out, bytes_of(value));
  out += kEscape;
  out += kEnd;
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

void append_partition(std::string& out, const KeySchema& schema, const Item& item) {
  const std::size_t begin = out.size();
  out.append(kPartitionHashBytes, '\0');
  append_key_value(out, item.find(schema.hash.name)->second);
  for (const KeyAttribute& one : schema.more_hash)
    append_key_value(out, item.find(one.name)->second);
  const std::uint16_t hash =
      partition_hash(std::string_view(out).substr(begin + kPartitionHashBytes));
  out[begin] = static_cast<char>(hash >> 8U);
  out[begin + 1] = static_cast<char>(hash);
}

}  // namespace

std::string encode_partition(const KeySchema& schema, const Item& item) {
  std::string out;
  append_partition(out, schema, item);
  return out;
}

void append_key(std::string& out, const KeySchema& schema, const Item& item) {
  append_partition(out, schema, item);
  if (schema.range) append_key_value(out, item.find(schema.range->name)->second);
  for (const KeyAttribute& one : schema.more_range)
    append_key_value(out, item.find(one.name)->second);
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
    const auto found = key.find(attribute.name);
    if (found == key.end() || found->second.member() != attribute.type)
      return validation(kMismatch);
    if (auto wrong = check_empty(found->second, attribute.name)) return wrong;
    return check_size(found->second, is_hash);
  });
}

std::optional<api::Error> check_item_key(const KeySchema& schema, const Item& item) {
  return schema.each([&](const KeyAttribute& attribute, bool is_hash) -> std::optional<api::Error> {
    const auto found = item.find(attribute.name);
    if (found == item.end())
      return invalid_parameter("Missing the key " + attribute.name + " in the item");
    if (found->second.member() != attribute.type)
      return invalid_parameter("Type mismatch for key " + attribute.name +
                               " expected: " + std::string(type_name(attribute.type)) +
                               " actual: " + std::string(type_name(found->second)));
    if (auto wrong = check_empty(found->second, attribute.name)) return wrong;
    return check_size(found->second, is_hash);
  });
}

}  // namespace tables
