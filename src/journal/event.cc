#include "journal/event.h"

#include "base/encoding.h"

namespace journal {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kStreamSize = 1 + 7 * 8;

void append_time(std::string& out, base::Timestamp time) {
  base::append_u64(out, static_cast<std::uint64_t>(base::to_epoch_ms(time)));
}
base::Timestamp read_time(std::string_view bytes) {
  return base::from_epoch_ms(static_cast<std::int64_t>(base::read_u64(bytes)));
}

}  // namespace

std::string encode_stream(const StreamInfo& stream) {
  std::string bytes;
  bytes.reserve(kStreamSize);
  bytes.push_back(kVersion);
  base::append_u64(bytes, stream.id);
  append_time(bytes, stream.created);
  base::append_u64(bytes, stream.stored_bytes);
  base::append_u64(bytes, stream.last_order);
  append_time(bytes, stream.last_ingested);
  base::append_u64(bytes, stream.first_time_ms);
  base::append_u64(bytes, stream.last_time_ms);
  return bytes;
}

base::Result<StreamInfo> decode_stream(std::string name, std::string_view bytes) {
  if (bytes.size() != kStreamSize || bytes[0] != kVersion)
    return base::error(base::ErrorCode::kCorruption, "a log stream of an unknown form");
  const auto number = [&](std::size_t i) { return base::read_u64(bytes.substr(1 + i * 8)); };
  const auto time = [&](std::size_t i) { return read_time(bytes.substr(1 + i * 8)); };
  return StreamInfo{.id = number(0),
                    .name = std::move(name),
                    .created = time(1),
                    .stored_bytes = number(2),
                    .last_order = number(3),
                    .last_ingested = time(4),
                    .first_time_ms = number(5),
                    .last_time_ms = number(6)};
}

}  // namespace journal
