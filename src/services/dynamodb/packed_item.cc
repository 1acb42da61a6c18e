#include "services/dynamodb/packed_item.h"

#include <simdjson.h>

#include <algorithm>

#include "api/packed.h"
#include "services/dynamodb/requests.h"
#include "services/dynamodb/stored_json.h"
#include "tables/record.h"
#include "tables/stored_item.h"
#include "wire/scalars.h"

namespace services::dynamodb {

namespace {

using simdjson::SUCCESS;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using tables::Type;

// Beyond these a value is checked and worded elsewhere.
constexpr int kDepthMax = 16;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kSetMax = 16;

// Every function answers whether it has taken the value.
class Packer {
 public:
  bool item(const object& fields) {
    out_.reserve(512);
    out_.byte(tables::stored::kVersion);
    return map(fields, 0);
  }
  std::string take() { return out_.take(); }

 private:
  struct Field {
    std::string_view name;
    element value;
  };

  // Attributes are stored in the order of their names.
  bool map(const object& fields, int depth) {
    std::vector<Field> sorted;
    sorted.reserve(fields.size());
    for (const auto& [name, value] : fields) sorted.push_back({name, value});
    std::ranges::sort(sorted, {}, &Field::name);
    out_.varint(sorted.size());
    std::string_view before;
    for (const Field& one : sorted) {
      if (one.name.empty() || one.name.size() > kNameBytesMax || one.name == before) return false;
      before = one.name;
      out_.bytes(one.name);
      if (!attribute(one.value, depth)) return false;
    }
    return true;
  }

  // {"S": "text"} and the like.
  bool attribute(const element& given, int depth) {
    object fields;
    if (given.get(fields) != SUCCESS) return false;
    auto field = fields.begin();
    if (field == fields.end()) return false;
    const auto type = tables::type_of_name(field.key());
    const element value = field.value();
    if (!type || ++field != fields.end()) return false;
    out_.byte(static_cast<std::uint8_t>(*type));
    switch (*type) {
      case Type::kS:
      case Type::kN:
      case Type::kB: return scalar(value, *type);
      case Type::kSS: return set(value, Type::kS);
      case Type::kNS: return set(value, Type::kN);
      case Type::kBS: return set(value, Type::kB);
      case Type::kM: {
        object inner;
        return depth < kDepthMax && value.get(inner) == SUCCESS && map(inner, depth + 1);
      }
      case Type::kL: return depth < kDepthMax && list(value, depth + 1);
      case Type::kNULL: {
        bool null = false;
        return value.get(null) == SUCCESS && null;
      }
      case Type::kBOOL: return boolean(value);
      case Type::kNone: return false;
    }
    return false;
  }

  bool boolean(const element& value) {
    bool truth = false;
    if (value.get(truth) != SUCCESS) return false;
    out_.byte(truth ? 1 : 0);
    return true;
  }

  bool scalar(const element& value, Type type) {
    std::string_view text;
    if (value.get(text) != SUCCESS) return false;
    if (type == Type::kS || (type == Type::kN && tables::is_plain_number(text))) {
      out_.bytes(text);
      return true;
    }
    const auto made = normalised(text, type);
    if (made) out_.bytes(*made);
    return made.has_value();
  }

  static std::optional<std::string> normalised(std::string_view text, Type type) {
    if (type == Type::kB) return wire::parse_blob(text);
    std::string made(text);
    if (type == Type::kN && tables::normalise_number(made)) return std::nullopt;
    return made;
  }

  bool list(const element& value, int depth) {
    array elements;
    if (value.get(elements) != SUCCESS) return false;
    out_.varint(elements.size());
    for (const element& one : elements)
      if (!attribute(one, depth)) return false;
    return true;
  }

  bool set(const element& value, Type type) {
    array elements;
    if (value.get(elements) != SUCCESS) return false;
    const std::size_t size = elements.size();
    if (size == 0 || size > kSetMax) return false;
    std::vector<std::string> texts;
    for (const element& one : elements) {
      std::string_view text;
      if (one.get(text) != SUCCESS) return false;
      auto made = normalised(text, type);
      if (!made || std::ranges::find(texts, *made) != texts.end()) return false;
      texts.push_back(*std::move(made));
    }
    out_.varint(size);
    for (const std::string& text : texts) out_.bytes(text);
    return true;
  }

  tables::ByteWriter out_;
};

bool pack(const object& fields, void* slot) {
  Packer packer;
  if (!packer.item(fields)) return false;
  *static_cast<PackedItem*>(slot) = PackedItem(packer.take(), item_of);
  return true;
}

}  // namespace

wire::JsonPacking item_packing() {
  return {.shape = d::kPutRequestShape.members.front().shape, .pack = pack};
}

api::Outcome<tables::LazyItem> read_item(PackedItem given) {
  if (given.is_packed()) {
    auto item = tables::LazyItem::of_stored(given.take_packed());
    if (!item) return std::unexpected(api::internal_failure());
    return *std::move(item);
  }
  tables::Item item = std::move(*given);
  if (auto wrong = normalise_all(item)) return std::unexpected(*std::move(wrong));
  return tables::LazyItem(std::move(item));
}

}  // namespace services::dynamodb
