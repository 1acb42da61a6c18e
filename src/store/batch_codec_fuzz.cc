// Reading an arbitrary batch neither crashes nor reads outside of it, and what is read can be
// written again.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "store/batch_codec.h"
#include "wal/format.h"

namespace {

// The batch that has the operations read, or nullopt if they are malformed.
std::optional<store::Batch> decode(std::string_view encoded) {
  using Kind = store::Batch::Operation::Kind;
  auto reader = store::BatchReader::open(encoded);
  if (!reader) return std::nullopt;
  store::Batch batch;
  for (;;) {
    const auto operation = reader->next();
    if (!operation) return std::nullopt;
    if (!*operation) return batch;
    const store::EncodedOperation& read = **operation;
    switch (read.kind) {
      case Kind::kPut: batch.put(std::string(read.key), std::string(read.value)); break;
      case Kind::kErase: batch.erase(std::string(read.key)); break;
      case Kind::kEraseRange:
        batch.erase_range(std::string(read.key), std::string(read.value));
        break;
      case Kind::kAppend: {
        const auto entries = store::split_chunk(read.chunk, read.count);
        if (!entries) return std::nullopt;
        CHECK(entries->size() == read.count);
        CHECK(encoded.substr(read.chunk_offset, read.chunk.size()) == read.chunk);
        batch.append(read.log, read.position, {entries->begin(), entries->end()});
        break;
      }
      case Kind::kTrim: batch.trim(read.log, read.position); break;
      case Kind::kDrop: batch.drop(read.log); break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto batch = decode({reinterpret_cast<const char*>(data), size});
  if (!batch) return 0;
  const auto again = store::encode_batch(*batch);
  if (!again) return 0;
  const auto once = std::string_view(again->framed).substr(wal::kRecordHeaderBytes);
  const auto twice = decode(once);
  CHECK(twice);
  const auto last = store::encode_batch(*twice);
  CHECK(last && std::string_view(last->framed).substr(wal::kRecordHeaderBytes) == once);
  return 0;
}
