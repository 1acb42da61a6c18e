#pragma once

// Record: one change of one item, and its byte form as an entry of a shard's log
// (docs/formats/changes.md). Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/changes.h"

namespace changes {

// A record's place in its shard, from 1, without gaps.
using Position = std::uint64_t;

enum class Kind : std::uint8_t { kInsert = 0, kModify = 1, kRemove = 2 };
std::string_view name_of(Kind kind);  // "INSERT", ...

struct Record {
  Position position = 0;
  Kind kind = Kind::kInsert;
  bool expired = false;  // removed by time to live
  base::Timestamp created;
  tables::Item keys;
  std::optional<tables::Item> before;  // as far as the stream's view shows them
  std::optional<tables::Item> after;

  // As AWS counts SizeBytes: the keys and what is shown.
  std::size_t bytes() const;
};

// Whether the change is one: something is there before or after, and it is not the same.
bool is_change(const tables::Change& change);

std::string encode_record(const tables::Change& change, tables::View view, base::Timestamp created);
base::Result<Record> decode_record(Position position, std::string_view bytes);
// Without decoding the rest.
base::Result<base::Timestamp> created_of(std::string_view bytes);

}  // namespace changes
