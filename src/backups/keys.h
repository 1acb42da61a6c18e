#pragma once

// Keys of the store: docs/formats/backups.md. Accounts, regions, names and ids hold no zero byte.

#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "tables/definition.h"

namespace backups {

struct Backup;

namespace keys {

inline std::string history(tables::TableId table, std::uint16_t capture) {
  std::string key = "Bh";
  base::append_u32(key, table.value());
  base::append_u16(key, capture);
  return key;
}
inline std::string all_histories() { return "Bh"; }
// A history's changes, by position.
inline constexpr std::uint64_t kPositionMax = UINT64_MAX;
inline std::string all_changes(tables::TableId table, std::uint16_t capture) {
  std::string key = "Bl";
  base::append_u32(key, table.value());
  base::append_u16(key, capture);
  return key;
}
inline std::string change(tables::TableId table, std::uint16_t capture, std::uint64_t position) {
  std::string key = all_changes(table, capture);
  base::append_u64(key, position);
  return key;
}
inline std::uint64_t position_of(std::string_view change) {
  return base::read_u64(change.substr(change.size() - 8));
}
// Up to which position a history was trimmed.
inline std::string trimmed(tables::TableId table, std::uint16_t capture) {
  std::string key = "Bt";
  base::append_u32(key, table.value());
  base::append_u16(key, capture);
  return key;
}
inline std::optional<std::pair<tables::TableId, std::uint16_t>> parse_history(
    std::string_view key) {
  if (key.size() != 8) return std::nullopt;
  return std::pair(tables::TableId(base::read_u32(key.substr(2))), base::read_u16(key.substr(6)));
}

// What an account keeps in a region, of a kind: 'b' backups, 'e' exports, 'i' imports.
inline std::string all_of(char kind, std::string_view account, std::string_view region) {
  return (std::string("B") + kind).append(account).append(1, '\0').append(region).append(1, '\0');
}
inline std::string one_of(char kind, std::string_view account, std::string_view region,
                          std::string_view id) {
  return all_of(kind, account, region).append(id);
}
std::string backup(const Backup& backup);

inline std::string job(std::string_view id) { return std::string("Bj").append(id); }
inline std::string all_jobs() { return "Bj"; }
// The items of a picture: + what follows the table's number in an item's own key.
inline std::string picture(std::string_view id) { return std::string("Bp").append(id) + '\0'; }

}  // namespace keys
}  // namespace backups
