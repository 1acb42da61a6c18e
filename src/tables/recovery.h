#pragma once

// What a table's definition says of its backups, and of where it comes from. Values; part of the
// definition and persisted with it (docs/formats/tables.md). Who acts on them is src/backups.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace tables {

inline constexpr std::uint8_t kRecoveryDaysMax = 35;

// Point-in-time recovery, as UpdateContinuousBackups sets it.
struct PointInTime {
  bool enabled = false;
  std::uint8_t days = kRecoveryDaysMax;  // how far back, 1 to kRecoveryDaysMax
  base::Timestamp since{};               // when it was enabled

  bool operator==(const PointInTime&) const = default;
};

// A table that was not made empty: restored, or imported.
struct Origin {
  enum class Kind : std::uint8_t { kRestored = 0, kImported = 1 };
  Kind kind = Kind::kRestored;
  bool filling = true;     // nobody but the job reads or writes it yet
  std::string job;         // who fills it
  std::string backup_arn;  // restored from a backup
  std::string table_arn;   // of the table that was backed up
  base::Timestamp time{};  // the moment whose items these are
};

std::string encode_point_in_time(const PointInTime& setting);
PointInTime decode_point_in_time(std::string_view bytes);
std::string encode_origin(const Origin& origin);
Origin decode_origin(std::string_view bytes);

}  // namespace tables
