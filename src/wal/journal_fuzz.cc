// Whatever stands in a segment's file, replaying it neither crashes nor answers a record whose
// checksum does not hold; a second replay finds what the first one found.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/digest.h"
#include "io/faulty_files.h"
#include "wal/journal.h"

namespace {

// The input is a list of payloads (a length byte each), then damage: pairs of place and value.
void write_input(io::Files& files, const std::string& path, std::string_view input) {
  const wal::SegmentHeader header{.segment = 1, .first = 1, .salt = 42};
  std::string bytes = wal::encode_segment_header(header);
  wal::Sequence sequence = 0;
  while (!input.empty() && input.front() != '\0') {
    const std::string_view payload =
        input.substr(1, static_cast<unsigned char>(input.front()) % 64U);
    const std::size_t start = bytes.size();
    bytes.resize(wal::record_end(start, payload.size()), '\0');
    ++sequence;
    wal::encode_record_header({.payload_bytes = static_cast<std::uint32_t>(payload.size()),
                               .payload_crc = base::crc32c(payload),
                               .sequence = sequence,
                               .group_first = sequence - sequence % 3},
                              wal::record_seed(header), bytes.data() + start);
    payload.copy(bytes.data() + start + wal::kRecordHeaderBytes, payload.size());
    input.remove_prefix(1 + payload.size());
  }
  for (input = input.substr(input.empty() ? 0 : 1); input.size() >= 3; input.remove_prefix(3)) {
    const std::size_t place = (static_cast<unsigned char>(input[0]) * std::size_t{256} +
                               static_cast<unsigned char>(input[1])) %
                              bytes.size();
    bytes[place] = input[2];
  }
  const auto file = *files.open(path, io::OpenMode::kCreateNew);
  CHECK(file->write_at(bytes, 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::SeededRandom random(1);
  const base::SystemClock clock;
  io::FaultyFiles files(random);
  CHECK(files.make_folder("/j"));
  write_input(files, "/j/" + wal::segment_name(1), {reinterpret_cast<const char*>(data), size});
  std::uint64_t records = 0;
  for (int pass = 0; pass < 2; ++pass) {
    std::uint64_t found = 0;
    const auto journal =
        wal::Journal::open(files, random, clock, {.folder = "/j", .segment_bytes = 4096}, {},
                           [&](wal::Sequence sequence, wal::Position, std::string_view) {
                             CHECK(sequence == ++found);
                             return base::Status();
                           });
    CHECK(pass == 0 || found == records);
    records = found;
    if (!journal) CHECK(journal.error().code == base::ErrorCode::kCorruption);
  }
  return 0;
}
