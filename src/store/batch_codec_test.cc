#include "store/batch_codec.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "wal/format.h"

namespace store {
namespace {

std::string encoded(const Batch& batch) {
  const auto result = encode_batch(batch);
  EXPECT_TRUE(result);
  return result->framed.substr(wal::kRecordHeaderBytes);
}

// The example of docs/formats/store.md. If this fails, the version must change.
TEST(BatchCodec, IsWhatTheDocumentShows) {
  Batch batch;
  batch.put("a", "1");
  batch.append(LogId(7), 5, {"hi"});
  EXPECT_EQ(base::hex(encoded(batch)),
            "01"
            "000000000100000001"
            "6131"
            "030000000000000007000000000000000500000001000000061cb98097"
            "000000026869");
}

TEST(BatchCodec, SplitsALongAppendIntoChunks) {
  Batch batch;
  batch.append(LogId(1), 10, std::vector<std::string>(5, std::string(kChunkBytes / 2, 'x')));
  batch.append(LogId(1), 90, {});
  const std::string bytes = encoded(batch);
  auto reader = *BatchReader::open(bytes);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> chunks;
  for (auto next = reader.next(); next && *next; next = reader.next())
    chunks.emplace_back((*next)->position, (*next)->count);
  EXPECT_EQ(chunks,
            (std::vector<std::pair<std::uint64_t, std::uint32_t>>{{10, 2}, {12, 2}, {14, 1}}));
}

TEST(BatchCodec, RefusesEveryTruncation) {
  Batch batch;
  batch.put("key", "value");
  batch.append(LogId(1), 1, {"a", "b"});
  batch.trim(LogId(1), 1);
  const std::string whole = encoded(batch);
  std::size_t readable = 0;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    auto reader = BatchReader::open(std::string_view(whole).substr(0, cut));
    if (!reader) continue;
    auto next = reader->next();
    while (next && *next) next = reader->next();
    if (next) ++readable;
  }
  EXPECT_EQ(readable, 3U);  // at the ends of operations: before the first, behind two of them
}

}  // namespace
}  // namespace store
