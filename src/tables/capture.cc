#include "tables/capture.h"

#include <algorithm>

#include "base/time_text.h"
#include "tables/definition.h"
#include "tables/record.h"

namespace tables {

namespace {

// What a partition writes in a second on AWS, and what a new on-demand table may.
constexpr std::int64_t kPartitionUnits = 1'000;
constexpr std::int64_t kOnDemandUnits = 4'000;
constexpr std::int64_t kInitialShardsMax = 16;

namespace capture_field {
constexpr std::uint64_t kNumber = 1, kView = 2, kShards = 3, kEnabled = 4, kCreated = 5;
}
namespace destination_field {
constexpr std::uint64_t kArn = 1, kState = 2, kMicroseconds = 3, kGiven = 4;
}

}  // namespace

std::string_view name_of(View view) {
  switch (view) {
    case View::kKeysOnly: return "KEYS_ONLY";
    case View::kNewImage: return "NEW_IMAGE";
    case View::kOldImage: return "OLD_IMAGE";
    case View::kBoth: break;
  }
  return "NEW_AND_OLD_IMAGES";
}

std::string label_of(const Capture& capture) {
  std::string text = base::iso8601_ms(capture.created);
  text.pop_back();  // the Z
  return text;
}

std::uint8_t initial_shards(const Definition& definition) {
  const std::int64_t units = definition.on_demand ? kOnDemandUnits : definition.throughput.write;
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(
      (units + kPartitionUnits - 1) / kPartitionUnits, 1, kInitialShardsMax));
}

void make_captures(Definition& definition, base::Timestamp now) {
  base::Timestamp created = base::from_epoch_ms(base::to_epoch_ms(now));
  const auto after = [&](base::Timestamp earlier) {
    created = std::max(created, earlier + base::Milliseconds(1));
  };
  for (std::optional<Capture>* one : {&definition.stream, &definition.feed, &definition.history}) {
    if (*one && (*one)->number != 0) after((*one)->created);
  }
  if (definition.last_capture) after(*definition.last_capture);
  for (std::optional<Capture>* one : {&definition.stream, &definition.feed, &definition.history}) {
    if (!*one || (*one)->number != 0) continue;
    (*one)->number = definition.next_capture++;
    (*one)->shards = initial_shards(definition);
    (*one)->created = created;
    definition.last_capture = created;
    after(created);
  }
}

std::string encode_capture(const Capture& capture) {
  namespace f = capture_field;
  ByteWriter out;
  out.field(f::kNumber, capture.number);
  out.field(f::kView, static_cast<std::uint64_t>(capture.view));
  out.field(f::kShards, capture.shards);
  out.field(f::kEnabled, capture.enabled ? 1U : 0U);
  out.field(f::kCreated, static_cast<std::uint64_t>(base::to_epoch_ms(capture.created)));
  return out.take();
}

Capture decode_capture(std::string_view bytes) {
  namespace f = capture_field;
  Capture made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::uint64_t value = ByteReader::number(in.bytes());
    if (tag == f::kNumber) made.number = static_cast<std::uint16_t>(value);
    if (tag == f::kView) made.view = static_cast<View>(value & 3U);
    if (tag == f::kShards) made.shards = static_cast<std::uint8_t>(value);
    if (tag == f::kEnabled) made.enabled = value != 0;
    if (tag == f::kCreated) made.created = base::from_epoch_ms(static_cast<std::int64_t>(value));
  }
  return made;
}

std::string encode_destination(const Destination& destination) {
  namespace f = destination_field;
  ByteWriter out;
  out.field(f::kArn, destination.stream_arn);
  out.field(f::kState, static_cast<std::uint64_t>(destination.state));
  out.field(f::kMicroseconds, destination.microseconds ? 1U : 0U);
  out.field(f::kGiven, destination.precision_given ? 1U : 0U);
  return out.take();
}

Destination decode_destination(std::string_view bytes) {
  namespace f = destination_field;
  Destination made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    if (tag == f::kArn) made.stream_arn = value;
    if (tag == f::kState) made.state = static_cast<Destination::State>(ByteReader::number(value));
    if (tag == f::kMicroseconds) made.microseconds = ByteReader::number(value) != 0;
    if (tag == f::kGiven) made.precision_given = ByteReader::number(value) != 0;
  }
  return made;
}

}  // namespace tables
