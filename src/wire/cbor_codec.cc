#include "wire/cbor_codec.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/encoding.h"
#include "base/result.h"
#include "wire/json_words.h"
#include "wire/scalars.h"

namespace wire {
namespace {

using api::Kind;
using api::Shape;
using Decoded = api::Outcome<void>;

// Major types, RFC 8949 section 3.1.
enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };
constexpr std::uint8_t kFalse = 20;
constexpr std::uint8_t kTrue = 21;
constexpr std::uint8_t kNull = 22;
constexpr std::uint8_t kUndefined = 23;
constexpr std::uint8_t kHalf = 25;
constexpr std::uint8_t kSingle = 26;
constexpr std::uint8_t kDouble = 27;
constexpr std::uint8_t kIndefinite = 31;
constexpr unsigned char kBreak = 0xff;
constexpr std::uint64_t kEpochTag = 1;

std::unexpected<api::Error> refuse(std::string message = {}) {
  return std::unexpected(serialization_error(std::move(message)));
}

struct Head {
  Major major = kSimple;
  std::uint8_t low = 0;     // the five low bits
  std::uint64_t value = 0;  // argument: number, length, tag or the bits of a float
  bool indefinite = false;
};

double half_to_double(std::uint64_t bits) {
  const int exponent = static_cast<int>((bits >> 10U) & 31U);
  const auto fraction = static_cast<double>(bits & 1023U);
  double value = 0;
  if (exponent == 0) value = std::ldexp(fraction, -24);
  else if (exponent == 31) value = fraction == 0 ? INFINITY : NAN;
  else value = std::ldexp(fraction + 1024, exponent - 25);
  return (bits & 0x8000U) != 0 ? -value : value;
}

class Reader {
 public:
  Reader(std::string_view body, CborFlavour flavour) : rest_(body), flavour_(flavour) {}

  Decoded read_root(const Shape& shape, void* object) {
    Head head;
    if (!take_head(head) || head.major != kMap) return refuse();
    RETURN_IF_ERROR(read_structure(head, shape, object));
    return rest_.empty() ? Decoded() : refuse();
  }

 private:
  bool take_head(Head& head) {
    if (rest_.empty()) return false;
    const auto first = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    head = {.major = static_cast<Major>(first >> 5U),
            .low = static_cast<std::uint8_t>(first & 31U)};
    if (head.low < 24) {
      head.value = head.low;
      return true;
    }
    if (head.low == kIndefinite) {
      head.indefinite = true;
      return head.major >= kBytes && head.major <= kMap;
    }
    if (head.low > 27) return false;
    const std::size_t width = 1UL << (head.low - 24U);
    if (rest_.size() < width) return false;
    for (std::size_t i = 0; i < width; ++i)
      head.value = head.value << 8U | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(width);
    return true;
  }

  // Takes the break that ends an indefinite item, if it is next.
  bool take_break() {
    if (rest_.empty() || static_cast<unsigned char>(rest_[0]) != kBreak) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // True while an array or map has another entry; counts `done` up.
  bool more(const Head& head, std::uint64_t& done) {
    if (head.indefinite) return !take_break();
    return done++ < head.value;
  }

  // A byte or text string, whole or in chunks. nullopt: cut off or malformed.
  std::optional<std::string> take_string(const Head& head) {
    if (!head.indefinite) {
      if (head.value > rest_.size()) return std::nullopt;
      std::string text(rest_.substr(0, head.value));
      rest_.remove_prefix(head.value);
      return text;
    }
    std::string text;
    while (!take_break()) {
      Head chunk;
      const bool good = take_head(chunk) && chunk.major == head.major && !chunk.indefinite &&
                        chunk.value <= rest_.size();
      if (!good) return std::nullopt;
      text += rest_.substr(0, chunk.value);
      rest_.remove_prefix(chunk.value);
    }
    return text;
  }

  static bool is_null(const Head& head) {
    return head.major == kSimple && (head.low == kNull || head.low == kUndefined);
  }
  static bool is_real(const Head& head) {
    return head.major == kSimple && head.low >= kHalf && head.low <= kDouble;
  }
  static bool is_number(const Head& head) {
    return head.major == kUnsigned || head.major == kNegative || is_real(head);
  }

  static double number_of(const Head& head) {
    if (head.major == kUnsigned) return static_cast<double>(head.value);
    if (head.major == kNegative) return -1.0 - static_cast<double>(head.value);
    if (head.low == kHalf) return half_to_double(head.value);
    if (head.low == kSingle) return std::bit_cast<float>(static_cast<std::uint32_t>(head.value));
    return std::bit_cast<double>(head.value);
  }

  template <class T>
  static T integer_of(const Head& head) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (is_real(head)) return clamp_to<T>(std::floor(number_of(head)));
    if (head.major == kUnsigned) return static_cast<T>(std::min(head.value, kMost));
    return static_cast<T>(-1 - static_cast<std::int64_t>(std::min(head.value, kMost)));
  }

  static JsonFound found_kind(const Head& head) {
    switch (head.major) {
      case kArray: return JsonFound::kArray;
      case kMap: return JsonFound::kObject;
      case kUnsigned:
      case kNegative: return JsonFound::kInteger;
      case kSimple: break;
      default: return JsonFound::kString;
    }
    if (head.low == kTrue) return JsonFound::kTrue;
    return head.low == kFalse ? JsonFound::kFalse : JsonFound::kDecimal;
  }

  std::unexpected<api::Error> mismatch(const Head& head, const Shape& shape, bool nested) const {
    const JsonFlavour words =
        flavour_ == CborFlavour::kAwsCbor11 ? JsonFlavour::kKinesis : JsonFlavour::kModern;
    return refuse(
        mismatch_text(words, {.wanted = shape, .found = found_kind(head), .nested = nested}));
  }

  Decoded read(const Head& head, const Shape& shape, void* slot, bool nested) {
    switch (shape.kind) {
      case Kind::kBoolean:
        if (head.major != kSimple || (head.low != kTrue && head.low != kFalse))
          return mismatch(head, shape, nested);
        *static_cast<bool*>(slot) = head.low == kTrue;
        return {};
      case Kind::kString: return read_text(head, shape, slot, nested);
      case Kind::kBlob: return read_bytes(head, shape, slot, nested);
      case Kind::kTimestamp: return read_time(head, shape, slot, nested);
      case Kind::kList:
        if (head.major != kArray) return mismatch(head, shape, nested);
        return read_list(head, shape, slot);
      case Kind::kMap:
        if (head.major != kMap) return mismatch(head, shape, nested);
        return read_map(head, shape, slot);
      case Kind::kStructure:
      case Kind::kUnion:
        if (head.major != kMap) return mismatch(head, shape, nested);
        return read_structure(head, shape, slot);
      default: return read_number(head, shape, slot, nested);
    }
  }

  Decoded read_number(const Head& head, const Shape& shape, void* slot, bool nested) const {
    if (!is_number(head)) return mismatch(head, shape, nested);
    if (shape.kind == Kind::kInteger)
      *static_cast<std::int32_t*>(slot) = integer_of<std::int32_t>(head);
    else if (shape.kind == Kind::kLong)
      *static_cast<std::int64_t*>(slot) = integer_of<std::int64_t>(head);
    else *static_cast<double*>(slot) = number_of(head);
    return {};
  }

  Decoded read_text(const Head& head, const Shape& shape, void* slot, bool nested) {
    if (head.major != kText) return mismatch(head, shape, nested);
    auto text = take_string(head);
    if (!text || !base::is_valid_utf8(*text)) return refuse();
    *static_cast<std::string*>(slot) = *std::move(text);
    return {};
  }

  Decoded read_bytes(const Head& head, const Shape& shape, void* slot, bool nested) {
    if (head.major != kBytes) return mismatch(head, shape, nested);
    auto bytes = take_string(head);
    if (!bytes) return refuse();
    *static_cast<std::string*>(slot) = *std::move(bytes);
    return {};
  }

  // Milliseconds or seconds by flavour, tagged or not.
  Decoded read_time(Head head, const Shape& shape, void* slot, bool nested) {
    if (head.major == kTag && (head.value != kEpochTag || !take_head(head))) return refuse();
    if (!is_number(head)) return mismatch(head, shape, nested);
    const double number = number_of(head);
    *static_cast<base::Timestamp*>(slot) =
        flavour_ == CborFlavour::kAwsCbor11 ? time_from_ms(number) : time_from_seconds(number);
    return {};
  }

  Decoded enter() {
    if (depth_ == kCborDepthMax) return refuse();
    ++depth_;
    return {};
  }

  Decoded read_list(const Head& head, const Shape& shape, void* slot) {
    RETURN_IF_ERROR(enter());
    std::uint64_t done = 0;
    while (more(head, done)) {
      Head item;
      // A null is one byte and would be a whole element here.
      if (!take_head(item) || is_null(item) || too_many(*shape.element)) return refuse();
      RETURN_IF_ERROR(read(item, *shape.element, shape.list->push(slot), true));
    }
    --depth_;
    return {};
  }

  bool too_many(const Shape& shape) {
    return shape.kind == Kind::kStructure && ++structures_ > kStructuresMax;
  }

  // The key of a map's next entry.
  std::optional<std::string> take_key() {
    Head head;
    if (!take_head(head) || head.major != kText) return std::nullopt;
    auto key = take_string(head);
    if (key && !base::is_valid_utf8(*key)) return std::nullopt;
    return key;
  }

  Decoded read_map(const Head& head, const Shape& shape, void* slot) {
    RETURN_IF_ERROR(enter());
    std::uint64_t done = 0;
    while (more(head, done)) {
      auto key = take_key();
      Head item;
      if (!key || !take_head(item) || too_many(*shape.element)) return refuse();
      void* const made = shape.map->insert(slot, *std::move(key));
      if (is_null(item)) continue;
      RETURN_IF_ERROR(read(item, *shape.element, made, true));
    }
    --depth_;
    return {};
  }

  Decoded read_structure(const Head& head, const Shape& shape, void* slot) {
    RETURN_IF_ERROR(enter());
    const api::Member* chosen = nullptr;
    std::uint64_t done = 0;
    while (more(head, done)) {
      const auto key = take_key();
      Head item;
      if (!key || !take_head(item)) return refuse();
      const api::Member* const member = find_member(shape, *key);
      if (member == nullptr || is_null(item)) {
        RETURN_IF_ERROR(skip(item));
        continue;
      }
      if (shape.kind == Kind::kUnion && chosen != nullptr && chosen != member)
        shape.set_ambiguous(slot);
      chosen = member;
      RETURN_IF_ERROR(read(item, *member->shape, member->emplace(slot), false));
    }
    --depth_;
    return {};
  }

  static const api::Member* find_member(const Shape& shape, std::string_view name) {
    for (const api::Member& member : shape.members)
      if (member.name == name) return &member;
    return nullptr;
  }

  Decoded skip(Head head) {
    RETURN_IF_ERROR(enter());
    if (head.major == kBytes || head.major == kText) {
      if (!take_string(head)) return refuse();
    } else if (head.major == kTag) {
      if (!take_head(head)) return refuse();
      RETURN_IF_ERROR(skip(head));
    } else if (head.major == kArray || head.major == kMap) {
      std::uint64_t done = 0;
      const int parts = head.major == kMap ? 2 : 1;
      while (more(head, done)) {
        for (int i = 0; i < parts; ++i) {
          Head item;
          if (!take_head(item)) return refuse();
          RETURN_IF_ERROR(skip(item));
        }
      }
    }
    --depth_;
    return {};
  }

  std::string_view rest_;
  CborFlavour flavour_;
  std::size_t depth_ = 0;
  std::size_t structures_ = 0;
};

void append_head(std::string& out, Major major, std::uint64_t value) {
  const auto high = static_cast<unsigned>(major) << 5U;
  if (value < 24) {
    out += static_cast<char>(high | value);
  } else if (value < 0x100) {
    out += static_cast<char>(high | 24U);
    out += static_cast<char>(value);
  } else if (value < 0x10000) {
    out += static_cast<char>(high | 25U);
    base::append_u16(out, static_cast<std::uint16_t>(value));
  } else if (value < 0x100000000) {
    out += static_cast<char>(high | 26U);
    base::append_u32(out, static_cast<std::uint32_t>(value));
  } else {
    out += static_cast<char>(high | 27U);
    base::append_u64(out, value);
  }
}

class Writer {
 public:
  Writer(std::string& out, CborFlavour flavour) : out_(out), flavour_(flavour) {}

  void write(const Shape& shape, const void* value) {
    switch (shape.kind) {
      case Kind::kBoolean: append_simple(*static_cast<const bool*>(value) ? kTrue : kFalse); return;
      case Kind::kInteger: write_integer(*static_cast<const std::int32_t*>(value)); return;
      case Kind::kLong: write_integer(*static_cast<const std::int64_t*>(value)); return;
      case Kind::kFloat:
      case Kind::kDouble: write_double(*static_cast<const double*>(value)); return;
      case Kind::kString: append_cbor_text(out_, *static_cast<const std::string*>(value)); return;
      case Kind::kBlob: write_bytes(*static_cast<const std::string*>(value)); return;
      case Kind::kTimestamp: write_time(*static_cast<const base::Timestamp*>(value)); return;
      case Kind::kList: write_list(shape, value); return;
      case Kind::kMap: write_map(shape, value); return;
      case Kind::kStructure:
      case Kind::kUnion: write_structure(shape, value); return;
    }
  }

 private:
  void append_simple(std::uint8_t value) { append_head(out_, kSimple, value); }

  void write_integer(std::int64_t value) {
    if (value >= 0) append_head(out_, kUnsigned, static_cast<std::uint64_t>(value));
    else append_head(out_, kNegative, static_cast<std::uint64_t>(-(value + 1)));
  }

  void write_double(double value) {
    out_ += static_cast<char>(static_cast<unsigned>(kSimple) << 5U | kDouble);
    base::append_u64(out_, std::bit_cast<std::uint64_t>(value));
  }

  void write_bytes(const std::string& bytes) {
    append_head(out_, kBytes, bytes.size());
    out_ += bytes;
  }

  void write_time(base::Timestamp time) {
    append_head(out_, kTag, kEpochTag);
    const std::int64_t ms = base::to_epoch_ms(time);
    if (flavour_ == CborFlavour::kAwsCbor11) write_integer(ms);
    else write_double(static_cast<double>(ms) / 1000);
  }

  void write_list(const Shape& shape, const void* list) {
    const std::size_t size = shape.list->size(list);
    append_head(out_, kArray, size);
    for (std::size_t i = 0; i < size; ++i) write(*shape.element, shape.list->at(list, i));
  }

  void write_map(const Shape& shape, const void* map) {
    struct Walk {
      Writer& writer;
      const Shape& element;
    };
    Walk walk{*this, *shape.element};
    append_cbor_map(out_, shape.map->size(map));
    shape.map->for_each(map, &walk, [](void* context, const std::string& key, const void* value) {
      auto& w = *static_cast<Walk*>(context);
      append_cbor_text(w.writer.out_, key);
      w.writer.write(w.element, value);
    });
  }

  void write_structure(const Shape& shape, const void* object) {
    std::size_t count = 0;
    for (const api::Member& member : shape.members) count += member.find(object) != nullptr;
    append_cbor_map(out_, count);
    for (const api::Member& member : shape.members) {
      const void* const value = member.find(object);
      if (value == nullptr) continue;
      append_cbor_text(out_, member.name);
      write(*member.shape, value);
    }
  }

  std::string& out_;
  CborFlavour flavour_;
};

}  // namespace

Decoded decode_cbor(std::string_view body, const Shape& shape, void* object, CborFlavour flavour) {
  if (body.empty() && flavour == CborFlavour::kRpcV2) return {};
  return Reader(body, flavour).read_root(shape, object);
}

std::string encode_cbor(const Shape& shape, const void* object, CborFlavour flavour) {
  std::string out;
  Writer(out, flavour).write(shape, object);
  return out;
}

void append_cbor_map(std::string& out, std::size_t entries) { append_head(out, kMap, entries); }

void append_cbor_text(std::string& out, std::string_view text) {
  append_head(out, kText, text.size());
  out += text;
}

}  // namespace wire
