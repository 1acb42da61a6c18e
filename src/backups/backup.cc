#include "backups/backup.h"

#include <fmt/format.h>

#include "backups/keys.h"
#include "tables/record.h"

namespace backups {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChanceDigits = 8;

namespace field {
constexpr std::uint64_t kId = 1, kName = 2, kType = 3, kStatus = 4, kTable = 5, kItems = 6,
                        kBytes = 7, kCreated = 8, kExpires = 9, kPlace = 10;
}

std::uint64_t ms(base::Timestamp time) {
  return static_cast<std::uint64_t>(base::to_epoch_ms(time));
}
base::Timestamp time_of(std::string_view bytes) {
  return base::from_epoch_ms(static_cast<std::int64_t>(tables::ByteReader::number(bytes)));
}

}  // namespace

std::string keys::backup(const Backup& backup) {
  return one_of('b', backup.table.account, backup.table.region, backup.id);
}

std::string Backup::arn() const { return table.arn() + "/backup/" + id; }

std::string new_id(base::Timestamp now, base::Random& random) {
  return fmt::format("{:014}-{}", base::to_epoch_ms(now),
                     base::random_text(random, base::kHexDigits, kChanceDigits));
}

Backup system_backup(const tables::Definition& table, base::Timestamp now, base::Random& random,
                     tables::Count count) {
  Backup made;
  made.id = new_id(now, random);
  made.name = table.name + "$DeletedTableBackup";
  made.type = Backup::Type::kSystem;
  made.status = Backup::Status::kAvailable;
  made.table = table;
  made.count = count;
  made.created = now;
  made.expires = now + kSystemBackupLife;
  made.items = tables::keys::items(table.id);
  return made;
}

std::optional<PartArn> parse_part_arn(std::string_view arn, std::string_view kind) {
  const auto take = [&arn](char until) {
    const std::size_t end = arn.find(until);
    const std::string part(arn.substr(0, end));
    arn.remove_prefix(end == std::string_view::npos ? arn.size() : end + 1);
    return part;
  };
  if (take(':') != "arn" || take(':').empty() || take(':') != "dynamodb") return std::nullopt;
  PartArn made;
  made.region = take(':');
  made.account = take(':');
  const bool of_table = take('/') == "table";
  made.table = take('/');
  const bool of_kind = take('/') == kind;
  made.id = arn;
  if (!of_table || !of_kind || made.table.empty() || made.id.empty() ||
      made.id.find('/') != std::string::npos || made.id.find('\0') != std::string::npos)
    return std::nullopt;
  return made;
}

std::string encode_backup(const Backup& backup) {
  tables::ByteWriter out;
  out.byte(kVersion);
  out.field(field::kId, backup.id);
  out.field(field::kName, backup.name);
  out.field(field::kType, static_cast<std::uint64_t>(backup.type));
  out.field(field::kStatus, static_cast<std::uint64_t>(backup.status));
  out.field(field::kTable, tables::encode_definition(backup.table));
  out.field(field::kItems, static_cast<std::uint64_t>(backup.count.items));
  out.field(field::kBytes, static_cast<std::uint64_t>(backup.count.bytes));
  out.field(field::kCreated, ms(backup.created));
  if (backup.expires) out.field(field::kExpires, ms(*backup.expires));
  out.field(field::kPlace, backup.items);
  return out.take();
}

base::Result<Backup> decode_backup(std::string_view bytes) {
  using tables::ByteReader;
  ByteReader in(bytes);
  if (in.byte() != kVersion || in.bad())
    return base::error(base::ErrorCode::kCorruption, "a backup of an unknown version");
  Backup made;
  while (!in.done()) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    const auto number = [&] { return static_cast<std::int64_t>(ByteReader::number(value)); };
    switch (tag) {
      case field::kId: made.id = value; break;
      case field::kName: made.name = value; break;
      case field::kType: made.type = static_cast<Backup::Type>(number() & 1); break;
      case field::kStatus: made.status = static_cast<Backup::Status>(number() & 1); break;
      case field::kTable: {
        ASSIGN_OR_RETURN(made.table, tables::decode_definition(value));
        break;
      }
      case field::kItems: made.count.items = number(); break;
      case field::kBytes: made.count.bytes = number(); break;
      case field::kCreated: made.created = time_of(value); break;
      case field::kExpires: made.expires = time_of(value); break;
      case field::kPlace: made.items = value; break;
      default: break;  // of a later version
    }
  }
  if (in.bad() || made.id.empty() || made.items.empty())
    return base::error(base::ErrorCode::kCorruption, "a backup that is not whole");
  return made;
}

}  // namespace backups
