#include "store/database_keys.h"

#include "base/encoding.h"

namespace store {

namespace {

constexpr char kChunkPrefix = 'c';
constexpr char kTrimPrefix = 't';
constexpr char kUsePrefix = 'u';
constexpr std::size_t kPairKeyBytes = 17;
constexpr std::size_t kChunkValueBytes = 24;

std::string key_of(char prefix, std::uint64_t first) {
  std::string key(1, prefix);
  base::append_u64(key, first);
  return key;
}

}  // namespace

std::string chunk_key(LogId log, std::uint64_t last) {
  std::string key = key_of(kChunkPrefix, log.value());
  base::append_u64(key, last);
  return key;
}

std::string chunk_value(const Chunk& chunk) {
  std::string value;
  base::append_u64(value, chunk.place.segment);
  base::append_u32(value, static_cast<std::uint32_t>(chunk.place.offset));
  base::append_u32(value, chunk.bytes);
  base::append_u32(value, chunk.count);
  base::append_u32(value, chunk.crc);
  return value;
}

std::optional<Chunk> decode_chunk(std::string_view key, std::string_view value) {
  if (key.size() != kPairKeyBytes || key.front() != kChunkPrefix ||
      value.size() != kChunkValueBytes)
    return std::nullopt;
  Chunk chunk;
  const std::uint64_t last = base::read_u64(key.substr(9));
  chunk.place.segment = base::read_u64(value);
  chunk.place.offset = base::read_u32(value.substr(8));
  chunk.bytes = base::read_u32(value.substr(12));
  chunk.count = base::read_u32(value.substr(16));
  chunk.crc = base::read_u32(value.substr(20));
  if (chunk.count == 0 || chunk.count - 1 > last) return std::nullopt;
  chunk.first = last - (chunk.count - 1);
  return chunk;
}

std::string chunks_begin(LogId log) { return key_of(kChunkPrefix, log.value()); }
// All chunk keys of the log are shorter than this or below its last byte.
std::string chunks_end(LogId log) { return chunk_key(log, UINT64_MAX) + '\0'; }

std::string trim_key(LogId log) { return key_of(kTrimPrefix, log.value()); }

std::string use_key(std::uint64_t segment, LogId log) {
  std::string key = key_of(kUsePrefix, segment);
  base::append_u64(key, log.value());
  return key;
}
std::string uses_begin(std::uint64_t segment) { return key_of(kUsePrefix, segment); }
std::optional<LogId> decode_use(std::string_view key) {
  if (key.size() != kPairKeyBytes || key.front() != kUsePrefix) return std::nullopt;
  return LogId(base::read_u64(key.substr(9)));
}

}  // namespace store
