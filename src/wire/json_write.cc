// The writing half of json_codec.h: straight into one string, nothing allocated in between.

#include <simdjson.h>

#include <array>
#include <cstring>

#include "base/encoding.h"
#include "wire/json_codec.h"
#include "wire/scalars.h"

namespace wire {
namespace {

using api::Kind;
using api::Shape;
using api::TimeFormat;

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// High bits where a byte of the word does not stand for itself in JSON: what is below 0x20 or above
// 0x7f, a quote, a backslash.
std::uint64_t odd_bytes(const char* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = kOnes * 0x80;
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  const std::uint64_t control = word - kOnes * 0x20;
  const std::uint64_t quote = (word ^ kOnes * '"') - kOnes;
  const std::uint64_t backslash = (word ^ kOnes * '\\') - kOnes;
  return (word | control | quote | backslash) & kHighs;
}

// True when all bytes stand for themselves. Eight a step, the last eight once more if need be.
bool is_plain(std::string_view text) {
  if (text.size() >= 8) {
    const char* const last = text.data() + text.size() - 8;
    for (const char* at = text.data(); at < last; at += 8)
      if (odd_bytes(at) != 0) return false;
    return odd_bytes(last) == 0;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') return false;
  }
  return true;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20) {
    out += c;
    return;
  }
  out += "\\u00";
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

// The length of the UTF-8 sequence at the front, 0 if it is broken.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (length > text.size() || !base::is_valid_utf8(text.substr(0, length))) return 0;
  return length;
}

void append_broken(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) out += kReplacement;
    if (length == 1) append_escaped(out, text.front());
    if (length > 1) out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void append_blob(std::string& out, std::string_view bytes) {
  out += '"';
  base::append_base64(out, bytes);
  out += '"';
}

void append_number(std::string& out, double value) {
  // JSON has no such numbers; as names they are strings.
  const bool finite = std::isfinite(value);
  if (!finite) out += '"';
  append_double(out, value);
  if (!finite) out += '"';
}

void append_time(std::string& out, base::Timestamp time, TimeFormat format) {
  if (format == TimeFormat::kProtocol || format == TimeFormat::kEpochSeconds)
    append_epoch_seconds(out, time);
  else append_json_string(out, time_text(time, format));
}

void append_value(std::string& out, const Shape& shape, const void* value, TimeFormat format);

void append_list(std::string& out, const Shape& shape, const void* list) {
  out += '[';
  const std::size_t size = shape.list->size(list);
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    append_value(out, *shape.element, shape.list->at(list, i), shape.element->time_format);
  }
  out += ']';
}

void append_map(std::string& out, const Shape& shape, const void* map) {
  struct Walk {
    std::string& out;
    const Shape& element;
    bool first;
  };
  Walk walk{out, *shape.element, true};
  out += '{';
  shape.map->for_each(map, &walk, [](void* context, const std::string& key, const void* value) {
    auto& w = *static_cast<Walk*>(context);
    if (!w.first) w.out += ',';
    w.first = false;
    append_json_string(w.out, key);
    w.out += ':';
    append_value(w.out, w.element, value, w.element.time_format);
  });
  out += '}';
}

void append_structure(std::string& out, const Shape& shape, const void* object) {
  out += '{';
  bool first = true;
  for (const api::Member& member : shape.members) {
    if (member.location != api::Location::kBody) continue;
    const void* const value = member.find(object);
    if (value == nullptr) continue;
    out += first ? "\"" : ",\"";
    first = false;
    out += member.name;
    out += "\":";
    append_value(out, *member.shape, value, time_format(member, TimeFormat::kProtocol));
    if (shape.kind == Kind::kUnion) break;  // it has one
  }
  out += '}';
}

void append_value(std::string& out, const Shape& shape, const void* value, TimeFormat format) {
  switch (shape.kind) {
    case Kind::kBoolean: out += *static_cast<const bool*>(value) ? "true" : "false"; return;
    case Kind::kInteger: append_integer(out, *static_cast<const std::int32_t*>(value)); return;
    case Kind::kLong: append_integer(out, *static_cast<const std::int64_t*>(value)); return;
    case Kind::kFloat:
    case Kind::kDouble: append_number(out, *static_cast<const double*>(value)); return;
    case Kind::kString: append_json_string(out, *static_cast<const std::string*>(value)); return;
    case Kind::kBlob: append_blob(out, *static_cast<const std::string*>(value)); return;
    case Kind::kTimestamp:
      append_time(out, *static_cast<const base::Timestamp*>(value), format);
      return;
    case Kind::kList: append_list(out, shape, value); return;
    case Kind::kMap: append_map(out, shape, value); return;
    case Kind::kStructure:
    case Kind::kUnion: append_structure(out, shape, value); return;
  }
}

// About how long the value will be, a little more rather than less: growing a string of megabytes
// step by step costs more than writing it.
std::size_t estimate(const Shape& shape, const void* value) {
  constexpr std::size_t kNumberBytes = 20;
  constexpr std::size_t kPunctuation = 4;
  switch (shape.kind) {
    case Kind::kString: return static_cast<const std::string*>(value)->size() + kPunctuation;
    case Kind::kBlob:
      return static_cast<const std::string*>(value)->size() / 3 * 4 + 2 * kPunctuation;
    case Kind::kList: {
      std::size_t bytes = kPunctuation;
      for (std::size_t i = 0; i < shape.list->size(value); ++i)
        bytes += estimate(*shape.element, shape.list->at(value, i)) + 1;
      return bytes;
    }
    case Kind::kMap: {
      struct Walk {
        const Shape& element;
        std::size_t bytes;
      };
      Walk walk{*shape.element, kPunctuation};
      shape.map->for_each(value, &walk, [](void* context, const std::string& key, const void* v) {
        auto& w = *static_cast<Walk*>(context);
        w.bytes += key.size() + kPunctuation + estimate(w.element, v);
      });
      return walk.bytes;
    }
    case Kind::kStructure:
    case Kind::kUnion: {
      std::size_t bytes = kPunctuation;
      for (const api::Member& member : shape.members) {
        const void* const held = member.find(value);
        if (held == nullptr) continue;
        bytes += member.name.size() + kPunctuation + estimate(*member.shape, held);
        if (shape.kind == Kind::kUnion) break;
      }
      return bytes;
    }
    default: return kNumberBytes;
  }
}

}  // namespace

std::string encode_json(const Shape& shape, const void* object) {
  std::string out;
  out.reserve(estimate(shape, object));
  append_json(out, shape, object);
  return out;
}

void append_json(std::string& out, const Shape& shape, const void* object) {
  append_value(out, shape, object, shape.time_format);
}

void append_json_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    const std::size_t before = out.size();
    const std::size_t after = before + text.size() + 2;
    // The library may offer more room than it was asked for.
    out.resize_and_overwrite(after, [&](char* bytes, std::size_t) {
      bytes[before] = '"';
      if (!text.empty()) std::memcpy(bytes + before + 1, text.data(), text.size());
      bytes[after - 1] = '"';
      return after;
    });
    return;
  }
  out += '"';
  if (simdjson::validate_utf8(text.data(), text.size())) {
    for (const char c : text) append_escaped(out, c);
  } else {
    append_broken(out, text);
  }
  out += '"';
}

}  // namespace wire
