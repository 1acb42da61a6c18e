#pragma once

// A batch as the journal holds it: docs/formats/store.md. Entries of logs stand in it as they will
// be read back, in chunks of one log with a checksum each. Pure functions and values.

#include <optional>

#include "store/store.h"

namespace store {

// A chunk ends with the entry that reaches this; reading one entry reads its chunk.
inline constexpr std::size_t kChunkBytes = 128U << 10U;

struct EncodedBatch {
  std::string framed;  // room for the journal's header, then the encoded batch
  std::uint32_t crc = 0;
};

// Above every key: no key may begin with it.
inline constexpr std::string_view kKeysEnd = "\xff\xff\xff\xff\xff\xff\xff\xff";

// kLimit: larger than a journal record can be. kInvalidArgument: a key begins with kKeysEnd.
base::Result<EncodedBatch> encode_batch(const Batch& batch);

// One operation of an encoded batch. Views into it.
struct EncodedOperation {
  Batch::Operation::Kind kind = Batch::Operation::Kind::kPut;
  std::string_view key;    // from, for ranges
  std::string_view value;  // to, for ranges; empty: no end
  LogId log;
  std::uint64_t position = 0;  // an append's first, a trim's end
  std::uint32_t count = 0;     // entries; an append has at least one
  std::uint32_t crc = 0;       // crc32c of `chunk`
  std::string_view chunk;
  std::uint64_t chunk_offset = 0;  // of `chunk` in the encoded batch
};

// Goes through an encoded batch.
class BatchReader {
 public:
  // kCorruption: not a batch of this version.
  static base::Result<BatchReader> open(std::string_view encoded);
  // nullopt at the end; kCorruption for what no encoder writes.
  base::Result<std::optional<EncodedOperation>> next();

 private:
  explicit BatchReader(std::string_view encoded) : encoded_(encoded) {}
  bool read(std::size_t count, std::string_view& out);

  std::string_view encoded_;
  std::size_t at_ = 1;
};

// The entries of a chunk. kCorruption unless it holds exactly `count`.
base::Result<std::vector<std::string_view>> split_chunk(std::string_view chunk,
                                                        std::uint32_t count);

}  // namespace store
