#include "backups/job.h"

#include "tables/record.h"

namespace backups {

namespace {

constexpr std::uint8_t kVersion = 1;

namespace field {
constexpr std::uint64_t kId = 1, kKind = 2, kPicture = 3, kSource = 4, kTarget = 5, kItems = 6,
                        kCursor = 7, kBackup = 8;
}

std::string encode(const tables::TableName& name) {
  tables::ByteWriter out;
  out.bytes(name.account);
  out.bytes(name.region);
  out.bytes(name.name);
  return out.take();
}

tables::TableName name_of(std::string_view bytes) {
  tables::ByteReader in(bytes);
  tables::TableName made;
  made.account = in.bytes();
  made.region = in.bytes();
  made.name = in.bytes();
  return made;
}

}  // namespace

std::string encode_job(const Job& job) {
  tables::ByteWriter out;
  out.byte(kVersion);
  out.field(field::kId, job.id);
  out.field(field::kKind, static_cast<std::uint64_t>(job.kind));
  if (job.picture) out.field(field::kPicture, encode_picture(*job.picture));
  out.field(field::kSource, encode(job.source));
  out.field(field::kTarget, encode(job.target));
  out.field(field::kItems, job.items);
  out.field(field::kCursor, job.cursor);
  out.field(field::kBackup, job.backup);
  return out.take();
}

base::Result<Job> decode_job(std::string_view bytes) {
  tables::ByteReader in(bytes);
  if (in.byte() != kVersion || in.bad())
    return base::error(base::ErrorCode::kCorruption, "a job of an unknown version");
  Job made;
  while (!in.done()) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    switch (tag) {
      case field::kId: made.id = value; break;
      case field::kKind:
        made.kind = static_cast<Job::Kind>(tables::ByteReader::number(value) & 3U);
        break;
      case field::kPicture: made.picture = decode_picture(value); break;
      case field::kSource: made.source = name_of(value); break;
      case field::kTarget: made.target = name_of(value); break;
      case field::kItems: made.items = value; break;
      case field::kCursor: made.cursor = value; break;
      case field::kBackup: made.backup = value; break;
      default: break;  // of a later version
    }
  }
  if (in.bad() || made.id.empty())
    return base::error(base::ErrorCode::kCorruption, "a job that is not whole");
  return made;
}

}  // namespace backups
