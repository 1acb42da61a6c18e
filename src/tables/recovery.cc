#include "tables/recovery.h"

#include "tables/record.h"

namespace tables {

namespace {

namespace setting_field {
constexpr std::uint64_t kEnabled = 1, kDays = 2, kSince = 3;
}
namespace origin_field {
constexpr std::uint64_t kKind = 1, kFilling = 2, kJob = 3, kBackup = 4, kTable = 5, kTime = 6;
}

std::uint64_t ms(base::Timestamp time) {
  return static_cast<std::uint64_t>(base::to_epoch_ms(time));
}
base::Timestamp time_of(std::string_view bytes) {
  return base::from_epoch_ms(static_cast<std::int64_t>(ByteReader::number(bytes)));
}

}  // namespace

std::string encode_point_in_time(const PointInTime& setting) {
  namespace f = setting_field;
  ByteWriter out;
  out.field(f::kEnabled, setting.enabled ? 1U : 0U);
  out.field(f::kDays, setting.days);
  out.field(f::kSince, ms(setting.since));
  return out.take();
}

PointInTime decode_point_in_time(std::string_view bytes) {
  namespace f = setting_field;
  PointInTime made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    if (tag == f::kEnabled) made.enabled = ByteReader::number(value) != 0;
    if (tag == f::kDays) made.days = static_cast<std::uint8_t>(ByteReader::number(value));
    if (tag == f::kSince) made.since = time_of(value);
  }
  return made;
}

std::string encode_origin(const Origin& origin) {
  namespace f = origin_field;
  ByteWriter out;
  out.field(f::kKind, static_cast<std::uint64_t>(origin.kind));
  out.field(f::kFilling, origin.filling ? 1U : 0U);
  out.field(f::kJob, origin.job);
  out.field(f::kBackup, origin.backup_arn);
  out.field(f::kTable, origin.table_arn);
  out.field(f::kTime, ms(origin.time));
  return out.take();
}

Origin decode_origin(std::string_view bytes) {
  namespace f = origin_field;
  Origin made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    if (tag == f::kKind) made.kind = static_cast<Origin::Kind>(ByteReader::number(value) & 1U);
    if (tag == f::kFilling) made.filling = ByteReader::number(value) != 0;
    if (tag == f::kJob) made.job = value;
    if (tag == f::kBackup) made.backup_arn = value;
    if (tag == f::kTable) made.table_arn = value;
    if (tag == f::kTime) made.time = time_of(value);
  }
  return made;
}

}  // namespace tables
