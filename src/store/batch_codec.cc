#include "store/batch_codec.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/digest.h"
#include "base/encoding.h"
#include "wal/format.h"

namespace store {

namespace {

using Kind = Batch::Operation::Kind;

constexpr char kVersion = 1;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kAppendHeaderBytes = 29;  // kind to crc
constexpr std::size_t kOperationBytesMax = 32;  // besides keys, values and entries

std::unexpected<base::Error> malformed() {
  return base::error(base::ErrorCode::kCorruption, "a batch in the journal is malformed");
}

// What the batch takes at most, or nullopt if lengths do not fit their fields.
std::optional<std::size_t> bytes_bound(const Batch& batch) {
  std::size_t bytes = wal::kRecordHeaderBytes + wal::kRecordAlignment + 1;
  for (const auto& operation : batch.operations()) {
    bytes += kOperationBytesMax + operation.key.size() + operation.value.size();
    std::size_t chunks = 0;
    for (const NewEntry& entry : operation.entries) {
      bytes += kLengthBytes + entry.size();
      chunks += kLengthBytes + entry.size();
    }
    bytes += (chunks / kChunkBytes + 1) * kAppendHeaderBytes;
    if (bytes > wal::kRecordBytesMax) return std::nullopt;
  }
  return bytes;
}

void append_length(std::string& out, std::size_t length) {
  base::append_u32(out, static_cast<std::uint32_t>(length));
}

void overwrite_u32(std::string& out, std::size_t at, std::uint32_t value) {
  const std::array<char, 4> bytes = {static_cast<char>(value >> 24U),
                                     static_cast<char>(value >> 16U),
                                     static_cast<char>(value >> 8U), static_cast<char>(value)};
  std::memcpy(out.data() + at, bytes.data(), bytes.size());
}

void encode_append(std::string& out, const Batch::Operation& operation) {
  for (std::size_t i = 0; i < operation.entries.size();) {
    out.push_back(static_cast<char>(Kind::kAppend));
    base::append_u64(out, operation.log.value());
    base::append_u64(out, operation.position + i);
    const std::size_t counts_at = out.size();
    out.append(12, '\0');
    const std::size_t begin = out.size();
    const std::size_t first = i;
    do {
      append_length(out, operation.entries[i].size());
      operation.entries[i].append_to(out);
      ++i;
    } while (i < operation.entries.size() && out.size() - begin < kChunkBytes);
    overwrite_u32(out, counts_at, static_cast<std::uint32_t>(i - first));
    overwrite_u32(out, counts_at + 4, static_cast<std::uint32_t>(out.size() - begin));
    overwrite_u32(out, counts_at + 8, base::crc32c(std::string_view(out).substr(begin)));
  }
}

void encode_operation(std::string& out, const Batch::Operation& operation) {
  if (operation.kind == Kind::kAppend) return encode_append(out, operation);
  if (operation.kind == Kind::kEraseRange && !operation.value.empty() &&
      operation.value <= operation.key)
    return;
  out.push_back(static_cast<char>(operation.kind));
  switch (operation.kind) {
    case Kind::kPut:
    case Kind::kEraseRange:
      append_length(out, operation.key.size());
      append_length(out, operation.value.size());
      out.append(operation.key);
      out.append(operation.value);
      return;
    case Kind::kErase:
      append_length(out, operation.key.size());
      out.append(operation.key);
      return;
    case Kind::kTrim:
      base::append_u64(out, operation.log.value());
      base::append_u64(out, operation.position);
      return;
    case Kind::kDrop: base::append_u64(out, operation.log.value()); return;
    case Kind::kAppend: return;
  }
}

}  // namespace

base::Result<EncodedBatch> encode_batch(const Batch& batch) {
  const auto bound = bytes_bound(batch);
  if (!bound)
    return base::error(base::ErrorCode::kLimit,
                       fmt::format("a batch of {} bytes is too large", batch.bytes()));
  for (const auto& operation : batch.operations())
    if (operation.kind == Kind::kPut && operation.key.starts_with(kKeysEnd))
      return base::error(base::ErrorCode::kInvalidArgument, "a key is above all that are allowed");
  EncodedBatch encoded;
  encoded.framed.reserve(*bound);
  encoded.framed.resize(wal::kRecordHeaderBytes, '\0');
  encoded.framed.push_back(kVersion);
  for (const auto& operation : batch.operations()) encode_operation(encoded.framed, operation);
  encoded.crc = base::crc32c(std::string_view(encoded.framed).substr(wal::kRecordHeaderBytes));
  return encoded;
}

base::Result<BatchReader> BatchReader::open(std::string_view encoded) {
  if (encoded.empty() || encoded.front() != kVersion) return malformed();
  return BatchReader(encoded);
}

bool BatchReader::read(std::size_t count, std::string_view& out) {
  if (encoded_.size() - at_ < count) return false;
  out = encoded_.substr(at_, count);
  at_ += count;
  return true;
}

base::Result<std::optional<EncodedOperation>> BatchReader::next() {
  if (at_ == encoded_.size()) return std::nullopt;
  EncodedOperation operation;
  std::string_view fixed;
  const auto kind = static_cast<std::uint8_t>(encoded_[at_++]);
  if (kind > static_cast<std::uint8_t>(Kind::kDrop)) return malformed();
  operation.kind = static_cast<Kind>(kind);
  switch (operation.kind) {
    case Kind::kPut:
    case Kind::kEraseRange:
      if (!read(2 * kLengthBytes, fixed) || !read(base::read_u32(fixed), operation.key) ||
          !read(base::read_u32(fixed.substr(kLengthBytes)), operation.value))
        return malformed();
      return operation;
    case Kind::kErase:
      if (!read(kLengthBytes, fixed) || !read(base::read_u32(fixed), operation.key))
        return malformed();
      return operation;
    case Kind::kAppend:
      if (!read(kAppendHeaderBytes - 1, fixed)) return malformed();
      operation.log = LogId(base::read_u64(fixed));
      operation.position = base::read_u64(fixed.substr(8));
      operation.count = base::read_u32(fixed.substr(16));
      operation.crc = base::read_u32(fixed.substr(24));
      operation.chunk_offset = at_;
      if (operation.count == 0 || operation.position + operation.count < operation.position ||
          !read(base::read_u32(fixed.substr(20)), operation.chunk))
        return malformed();
      return operation;
    case Kind::kTrim:
      if (!read(16, fixed)) return malformed();
      operation.log = LogId(base::read_u64(fixed));
      operation.position = base::read_u64(fixed.substr(8));
      return operation;
    case Kind::kDrop:
      if (!read(8, fixed)) return malformed();
      operation.log = LogId(base::read_u64(fixed));
      return operation;
  }
  return malformed();
}

base::Result<std::vector<std::string_view>> split_chunk(std::string_view chunk,
                                                        std::uint32_t count) {
  std::vector<std::string_view> entries;
  if (count > chunk.size() / kLengthBytes) return malformed();
  entries.reserve(count);
  while (chunk.size() >= kLengthBytes) {
    const std::size_t bytes = base::read_u32(chunk);
    chunk.remove_prefix(kLengthBytes);
    if (bytes > chunk.size()) return malformed();
    entries.push_back(chunk.substr(0, bytes));
    chunk.remove_prefix(bytes);
  }
  if (!chunk.empty() || entries.size() != count) return malformed();
  return entries;
}

}  // namespace store
