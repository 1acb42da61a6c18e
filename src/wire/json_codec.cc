#include "wire/json_codec.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/result.h"
#include "wire/json_words.h"
#include "wire/scalars.h"

namespace wire {
namespace {

using api::Kind;
using api::Shape;
using simdjson::dom::element;
using simdjson::dom::element_type;
using Decoded = api::Outcome<void>;

// The parser of a thread keeps its buffers between requests; larger bodies get one of their own,
// so that one of them does not pin memory (a parser holds about ten times the body).
constexpr std::size_t kReusedParserBytesMax = 1UL << 20;

std::unexpected<api::Error> refuse(std::string message) {
  return std::unexpected(serialization_error(std::move(message)));
}

JsonFound found_kind(element value) {
  switch (value.type()) {
    case element_type::ARRAY: return JsonFound::kArray;
    case element_type::OBJECT: return JsonFound::kObject;
    case element_type::STRING: return JsonFound::kString;
    case element_type::DOUBLE: return JsonFound::kDecimal;
    case element_type::BOOL:
      return value.get_bool().value_unsafe() ? JsonFound::kTrue : JsonFound::kFalse;
    default: return JsonFound::kInteger;
  }
}

class Reader {
 public:
  Reader(JsonFlavour flavour, const JsonPacking& packing) : flavour_(flavour), packing_(packing) {}

  Decoded read(element value, const Shape& shape, void* slot, bool nested) {
    switch (shape.kind) {
      case Kind::kBoolean: return read_boolean(value, shape, *static_cast<bool*>(slot), nested);
      case Kind::kInteger: return read_integer<std::int32_t>(value, shape, slot, nested);
      case Kind::kLong: return read_integer<std::int64_t>(value, shape, slot, nested);
      case Kind::kFloat:
      case Kind::kDouble: return read_double(value, shape, *static_cast<double*>(slot), nested);
      case Kind::kString:
        return read_string(value, shape, *static_cast<std::string*>(slot), nested);
      case Kind::kBlob: return read_blob(value, shape, *static_cast<std::string*>(slot), nested);
      case Kind::kTimestamp: return read_time(value, shape, slot, nested);
      case Kind::kList: return deeper(&Reader::read_list, value, shape, slot, nested);
      case Kind::kMap: return deeper(&Reader::read_map, value, shape, slot, nested);
      case Kind::kStructure:
      case Kind::kUnion: return deeper(&Reader::read_structure, value, shape, slot, nested);
    }
    return {};
  }

 private:
  using Step = Decoded (Reader::*)(element, const Shape&, void*, bool);

  Decoded deeper(Step step, element value, const Shape& shape, void* slot, bool nested) {
    if (depth_ == kJsonDepthMax) return refuse({});
    ++depth_;
    Decoded read = (this->*step)(value, shape, slot, nested);
    --depth_;
    return read;
  }

  std::unexpected<api::Error> mismatch(element value, const Shape& shape, bool nested) const {
    std::string_view text;
    if (value.type() == element_type::STRING) text = value.get_string().value_unsafe();
    return refuse(mismatch_text(
        flavour_, {.wanted = shape, .found = found_kind(value), .text = text, .nested = nested}));
  }

  Decoded read_boolean(element value, const Shape& shape, bool& slot, bool nested) const {
    if (value.get(slot) == simdjson::SUCCESS) return {};
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    const std::optional<bool> read = parse_loose_boolean(text);
    if (!read) return mismatch(value, shape, nested);
    slot = *read;
    return {};
  }

  // Fractions are cut off and what is out of range becomes the nearest number that is in it.
  template <class T>
  Decoded read_integer(element value, const Shape& shape, void* slot, bool nested) const {
    auto& number = *static_cast<T*>(slot);
    std::int64_t whole = 0;
    double real = 0;
    if (value.type() == element_type::DOUBLE) {
      real = std::floor(value.get_double().value_unsafe());
      number = clamp_to<T>(real);
    } else if (value.get(whole) == simdjson::SUCCESS) {
      constexpr std::int64_t kLow = std::numeric_limits<T>::min();
      constexpr std::int64_t kHigh = std::numeric_limits<T>::max();
      number = static_cast<T>(std::clamp(whole, kLow, kHigh));
    } else if (value.type() == element_type::UINT64) {
      number = std::numeric_limits<T>::max();
    } else {
      return mismatch(value, shape, nested);
    }
    return {};
  }

  Decoded read_double(element value, const Shape& shape, double& slot, bool nested) const {
    if (value.get(slot) == simdjson::SUCCESS) return {};
    return mismatch(value, shape, nested);
  }

  Decoded read_string(element value, const Shape& shape, std::string& slot, bool nested) const {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    slot = text;
    return {};
  }

  Decoded read_blob(element value, const Shape& shape, std::string& slot, bool nested) const {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    auto bytes = parse_blob(text);
    if (!bytes) return refuse(bad_base64_text(flavour_, text));
    slot = *std::move(bytes);
    return {};
  }

  Decoded read_time(element value, const Shape& shape, void* slot, bool nested) const {
    auto& time = *static_cast<base::Timestamp*>(slot);
    double seconds = 0;
    if (value.get(seconds) == simdjson::SUCCESS) {
      time = time_from_seconds(seconds);
      return {};
    }
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    const auto parsed = parse_any_date(text);
    if (!parsed) return mismatch(value, shape, nested);
    time = *parsed;
    return {};
  }

  Decoded read_list(element value, const Shape& shape, void* slot, bool nested) {
    simdjson::dom::array items;
    if (value.get(items) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    for (const element item : items) {
      if (too_many(*shape.element)) return refuse({});
      // A null keeps its place; what it lacks is for the validator to say.
      void* const made = shape.list->push(slot);
      if (item.is_null()) continue;
      RETURN_IF_ERROR(read(item, *shape.element, made, true));
    }
    return {};
  }

  Decoded read_map(element value, const Shape& shape, void* slot, bool nested) {
    simdjson::dom::object fields;
    if (value.get(fields) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    if (&shape == packing_.shape && packing_.pack(fields, slot)) return {};
    for (const auto& [key, item] : fields) {
      if (too_many(*shape.element)) return refuse({});
      void* const made = shape.map->insert(slot, std::string(key));
      if (item.is_null()) continue;
      RETURN_IF_ERROR(read(item, *shape.element, made, true));
    }
    return {};
  }

  bool too_many(const Shape& shape) {
    return shape.kind == Kind::kStructure && ++structures_ > kStructuresMax;
  }

  Decoded read_structure(element value, const Shape& shape, void* slot, bool nested) {
    simdjson::dom::object fields;
    if (value.get(fields) != simdjson::SUCCESS) return mismatch(value, shape, nested);
    const api::Member* chosen = nullptr;  // of a union
    std::size_t hint = 0;
    for (const auto& [key, item] : fields) {
      const api::Member* const member = find_member(shape, key, hint);
      if (member == nullptr || item.is_null()) continue;
      if (shape.kind == Kind::kUnion) {
        if (chosen != nullptr && chosen != member) shape.set_ambiguous(slot);
        chosen = member;
      }
      RETURN_IF_ERROR(read(item, *member->shape, member->emplace(slot), false));
    }
    return {};
  }

  // Clients mostly write members in the model's order, so the search starts after the last hit.
  static const api::Member* find_member(const Shape& shape, std::string_view key,
                                        std::size_t& hint) {
    const std::size_t count = shape.members.size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = hint + i < count ? hint + i : hint + i - count;
      const api::Member& member = shape.members[at];
      if (member.name != key) continue;
      hint = at + 1 == count ? 0 : at + 1;
      return member.location == api::Location::kBody && !member.payload ? &member : nullptr;
    }
    return nullptr;
  }

  JsonFlavour flavour_;
  const JsonPacking& packing_;
  std::size_t depth_ = 0;
  std::size_t structures_ = 0;
};

Decoded decode_with(simdjson::dom::parser& parser, std::string_view body, const Shape& shape,
                    void* object, JsonFlavour flavour, const JsonPacking& packing) {
  element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return refuse({});
  if (!root.is_object() && !root.is_array()) return refuse({});
  return Reader(flavour, packing).read(root, shape, object, false);
}

}  // namespace

api::Error serialization_error(std::string message) {
  return {.code = "SerializationException", .status = 400, .message = std::move(message)};
}

bool is_json_structure(std::string_view text) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return false;
  return root.is_object() || root.is_array();
}

JsonFlavour json_flavour(const api::Service& service) {
  if (service.name == "kinesis") return JsonFlavour::kKinesis;
  return service.signing_name == "dynamodb" ? JsonFlavour::kDynamo : JsonFlavour::kModern;
}

Decoded decode_json(std::string_view body, const Shape& shape, void* object, JsonFlavour flavour,
                    const JsonPacking& packing) {
  if (body.size() > kReusedParserBytesMax) {
    simdjson::dom::parser parser;
    return decode_with(parser, body, shape, object, flavour, packing);
  }
  thread_local simdjson::dom::parser parser;
  return decode_with(parser, body, shape, object, flavour, packing);
}

}  // namespace wire
