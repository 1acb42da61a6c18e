#include "wal/format.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/encoding.h"

namespace wal {
namespace {

// The example of docs/formats/journal.md. If this fails, the version must change.
TEST(JournalFormat, IsWhatTheDocumentShows) {
  const SegmentHeader segment{.segment = 1, .first = 1, .salt = 0x0102030405060708};
  EXPECT_EQ(base::hex(encode_segment_header(segment)),
            "4d494c4c4a524e4c0000000100000000"
            "00000000000000010000000000000001"
            "0102030405060708f4a1aa3500000000"
            "00000000000000000000000000000000");
  std::string record(kRecordHeaderBytes, '\0');
  encode_record_header(
      {.payload_bytes = 2, .payload_crc = base::crc32c("hi"), .sequence = 1, .group_first = 1},
      record_seed(segment), record.data());
  EXPECT_EQ(base::hex(record),
            "4aab4c75f59dd9c20000000200000000"
            "00000000000000010000000000000001");
}

TEST(JournalFormat, ReadsBackWhatItWrote) {
  const SegmentHeader segment{.segment = 3, .first = 70, .salt = 9};
  const auto read = decode_segment_header(encode_segment_header(segment));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->segment, 3U);
  EXPECT_EQ(read->first, 70U);
  EXPECT_EQ(read->salt, 9U);
  EXPECT_EQ(parse_segment_name(segment_name(UINT64_MAX)), UINT64_MAX);
  EXPECT_EQ(parse_segment_name("99999999999999999999.journal"), std::nullopt);
  EXPECT_EQ(parse_segment_name("0000000000000000001x.journal"), std::nullopt);
  EXPECT_EQ(parse_segment_name("1.journal"), std::nullopt);
}

}  // namespace
}  // namespace wal
