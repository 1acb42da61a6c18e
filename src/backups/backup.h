#pragma once

// Backup: a table as it was at one moment, kept until somebody deletes it, whatever becomes of the
// table. A value; its items stand in the store under `items` (docs/formats/backups.md). Pure.

#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "tables/table.h"

namespace backups {

// What a deleted table leaves is kept so long.
inline constexpr std::chrono::hours kSystemBackupLife{24 * 35};

struct Backup {
  enum class Type : std::uint8_t { kUser = 0, kSystem = 1 };
  enum class Status : std::uint8_t { kCreating = 0, kAvailable = 1 };

  std::string id;  // "01489602797149-73d8d5bc": milliseconds since 1970, and chance
  std::string name;
  Type type = Type::kUser;
  Status status = Status::kCreating;
  tables::Definition table;
  tables::Count count;  // of the table's items
  base::Timestamp created{};
  std::optional<base::Timestamp> expires;
  std::string items;  // in the store: the prefix of their keys

  std::string arn() const;
};

// An id as backups, exports and imports have it; ascends with time.
std::string new_id(base::Timestamp now, base::Random& random);

// What is left of a table that goes; its items stay where they are.
Backup system_backup(const tables::Definition& table, base::Timestamp now, base::Random& random,
                     tables::Count count);

// arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/KIND/ID
struct PartArn {
  std::string account, region, table, id;
};
std::optional<PartArn> parse_part_arn(std::string_view arn, std::string_view kind);

std::string encode_backup(const Backup& backup);
base::Result<Backup> decode_backup(std::string_view bytes);

}  // namespace backups
