#include "wire/event_stream.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "wire/cbor_codec.h"
#include "wire/json_codec.h"

namespace wire {
namespace {

// Type bytes of header values; a boolean has one for each value.
enum Type : std::uint8_t {
  kTrueType,
  kFalseType,
  kByteType,
  kShortType,
  kIntegerType,
  kLongType,
  kBytesType,
  kTextType,
  kTimeType,
  kUuidType,
};

constexpr std::size_t kPreludeBytes = 12;
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kUuidBytes = 16;

void append_sized(std::string& out, std::string_view bytes) {
  CHECK(bytes.size() < 0x8000);
  base::append_u16(out, static_cast<std::uint16_t>(bytes.size()));
  out += bytes;
}

struct ValueWriter {
  std::string& out;

  void type(Type type) const { out += static_cast<char>(type); }
  void operator()(bool value) const { type(value ? kTrueType : kFalseType); }
  void operator()(std::int8_t value) const {
    type(kByteType);
    out += static_cast<char>(value);
  }
  void operator()(std::int16_t value) const {
    type(kShortType);
    base::append_u16(out, static_cast<std::uint16_t>(value));
  }
  void operator()(std::int32_t value) const {
    type(kIntegerType);
    base::append_u32(out, static_cast<std::uint32_t>(value));
  }
  void operator()(std::int64_t value) const {
    type(kLongType);
    base::append_u64(out, static_cast<std::uint64_t>(value));
  }
  void operator()(const EventBytes& value) const {
    type(kBytesType);
    append_sized(out, value.bytes);
  }
  void operator()(const std::string& value) const {
    type(kTextType);
    append_sized(out, value);
  }
  void operator()(base::Timestamp value) const {
    type(kTimeType);
    base::append_u64(out, static_cast<std::uint64_t>(base::to_epoch_ms(value)));
  }
  void operator()(const EventUuid& value) const {
    CHECK(value.bytes.size() == kUuidBytes);
    type(kUuidType);
    out += value.bytes;
  }
};

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view bytes) : rest_(bytes) {}

  // nullopt: malformed.
  std::optional<std::vector<EventHeader>> read() {
    std::vector<EventHeader> headers;
    while (!rest_.empty()) {
      const auto name_size = static_cast<unsigned char>(rest_[0]);
      auto name = take(1 + name_size);
      auto type = take(1);
      if (!name || !type || name_size == 0) return std::nullopt;
      auto value = read_value(static_cast<Type>((*type)[0]));
      if (!value) return std::nullopt;
      headers.push_back({std::string(name->substr(1)), *std::move(value)});
    }
    return headers;
  }

 private:
  std::optional<std::string_view> take(std::size_t size) {
    if (size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::optional<std::string_view> take_sized() {
    const auto size = take(2);
    return size ? take(base::read_u16(*size)) : std::nullopt;
  }

  std::optional<EventHeaderValue> read_value(Type type) {
    switch (type) {
      case kTrueType: return EventHeaderValue(true);
      case kFalseType: return EventHeaderValue(false);
      case kByteType: return read_number(1);
      case kShortType: return read_number(2);
      case kIntegerType: return read_number(4);
      case kLongType: return read_number(8);
      case kTimeType: {
        const auto bytes = take(8);
        if (!bytes) return std::nullopt;
        return base::from_epoch_ms(static_cast<std::int64_t>(base::read_u64(*bytes)));
      }
      case kBytesType: {
        const auto bytes = take_sized();
        if (!bytes) return std::nullopt;
        return EventBytes{std::string(*bytes)};
      }
      case kTextType: {
        const auto text = take_sized();
        if (!text) return std::nullopt;
        return EventHeaderValue(std::string(*text));
      }
      case kUuidType: {
        const auto bytes = take(kUuidBytes);
        if (!bytes) return std::nullopt;
        return EventUuid{std::string(*bytes)};
      }
    }
    return std::nullopt;
  }

  std::optional<EventHeaderValue> read_number(std::size_t width) {
    const auto bytes = take(width);
    if (!bytes) return std::nullopt;
    switch (width) {
      case 1: return EventHeaderValue(static_cast<std::int8_t>((*bytes)[0]));
      case 2: return EventHeaderValue(static_cast<std::int16_t>(base::read_u16(*bytes)));
      case 4: return EventHeaderValue(static_cast<std::int32_t>(base::read_u32(*bytes)));
      default: return EventHeaderValue(static_cast<std::int64_t>(base::read_u64(*bytes)));
    }
  }

  std::string_view rest_;
};

base::Result<std::optional<DecodedEvent>> corrupt(std::string_view what) {
  return base::error(base::ErrorCode::kCorruption, "event stream: " + std::string(what));
}

std::string content_type(EventFormat format) {
  return format == EventFormat::kJson ? "application/json" : "application/cbor";
}

std::string encode_body(const api::Shape& shape, const void* object, EventFormat format) {
  switch (format) {
    case EventFormat::kJson: return encode_json(shape, object);
    case EventFormat::kCbor: return encode_cbor(shape, object, CborFlavour::kAwsCbor11);
    case EventFormat::kRpcV2Cbor: return encode_cbor(shape, object, CborFlavour::kRpcV2);
  }
  return {};
}

std::string encode_typed(std::string type, std::string content, std::string payload) {
  return encode_event_message({.headers = {{":event-type", std::move(type)},
                                           {":content-type", std::move(content)},
                                           {":message-type", std::string("event")}},
                               .payload = std::move(payload)});
}

}  // namespace

const std::string* EventMessage::text(std::string_view name) const {
  for (const EventHeader& header : headers)
    if (header.name == name) return std::get_if<std::string>(&header.value);
  return nullptr;
}

std::string encode_event_message(const EventMessage& message) {
  std::string headers;
  for (const EventHeader& header : message.headers) {
    CHECK(!header.name.empty() && header.name.size() < 256);
    headers += static_cast<char>(header.name.size());
    headers += header.name;
    std::visit(ValueWriter{headers}, header.value);
  }
  CHECK(headers.size() <= kEventHeadersMax && message.payload.size() <= kEventPayloadMax);

  const std::size_t total = kPreludeBytes + headers.size() + message.payload.size() + kCrcBytes;
  std::string out;
  out.reserve(total);
  base::append_u32(out, static_cast<std::uint32_t>(total));
  base::append_u32(out, static_cast<std::uint32_t>(headers.size()));
  base::append_u32(out, base::crc32(out));
  out += headers;
  out += message.payload;
  base::append_u32(out, base::crc32(out));
  return out;
}

base::Result<std::optional<DecodedEvent>> decode_event_message(std::string_view bytes) {
  if (bytes.size() < kPreludeBytes) return std::nullopt;
  const std::size_t total = base::read_u32(bytes);
  const std::size_t header_bytes = base::read_u32(bytes.substr(4));
  if (base::read_u32(bytes.substr(8)) != base::crc32(bytes.substr(0, 8)))
    return corrupt("the prelude's checksum differs");
  if (header_bytes > kEventHeadersMax || total < kPreludeBytes + header_bytes + kCrcBytes)
    return corrupt("impossible lengths");
  if (total > kPreludeBytes + kEventHeadersMax + kEventPayloadMax + kCrcBytes)
    return corrupt("too long");
  if (bytes.size() < total) return std::nullopt;

  const std::string_view checked = bytes.substr(0, total - kCrcBytes);
  if (base::read_u32(bytes.substr(total - kCrcBytes)) != base::crc32(checked))
    return corrupt("the message's checksum differs");
  auto headers = HeaderReader(bytes.substr(kPreludeBytes, header_bytes)).read();
  if (!headers) return corrupt("malformed headers");
  DecodedEvent decoded;
  decoded.message.headers = *std::move(headers);
  decoded.message.payload = checked.substr(kPreludeBytes + header_bytes);
  decoded.bytes = total;
  return decoded;
}

std::string encode_initial_response(EventFormat format) {
  // botocore and the Java SDK read the payload by the request's own content type.
  if (format == EventFormat::kJson)
    return encode_typed("initial-response", "application/x-amz-json-1.1", "{}");
  std::string payload;
  append_cbor_map(payload, 0);
  return encode_typed(
      "initial-response",
      format == EventFormat::kCbor ? "application/x-amz-cbor-1.1" : "application/cbor",
      std::move(payload));
}

std::string encode_event(const api::Shape& events, std::string_view event, const void* object,
                         EventFormat format) {
  const api::Shape* shape = nullptr;
  for (const api::Member& member : events.members)
    if (member.name == event) shape = member.shape;
  CHECK(shape != nullptr);
  for (const api::Member& member : shape->members) {
    if (!member.event_payload) continue;
    const void* const value = member.find(object);
    const bool blob = member.shape->kind == api::Kind::kBlob;
    std::string payload;
    if (value != nullptr)
      payload = blob ? *static_cast<const std::string*>(value)
                     : encode_body(*member.shape, value, format);
    return encode_typed(std::string(event),
                        blob ? "application/octet-stream" : content_type(format),
                        std::move(payload));
  }
  return encode_typed(std::string(event), content_type(format),
                      encode_body(*shape, object, format));
}

std::string encode_event_exception(const api::Error& error, EventFormat format) {
  std::string payload;
  if (format == EventFormat::kJson) {
    payload = "{\"message\":";
    append_json_string(payload, error.message);
    payload += '}';
  } else {
    append_cbor_map(payload, 1);
    append_cbor_text(payload, "message");
    append_cbor_text(payload, error.message);
  }
  return encode_event_message({.headers = {{":exception-type", error.code},
                                           {":content-type", content_type(format)},
                                           {":message-type", std::string("exception")}},
                               .payload = std::move(payload)});
}

}  // namespace wire
