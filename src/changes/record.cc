#include "changes/record.h"

#include "base/encoding.h"
#include "tables/item.h"
#include "tables/key.h"
#include "tables/record.h"

namespace changes {

namespace {

using tables::View;

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeadBytes = 11;  // version, kind, flags, time

enum Flag : std::uint8_t { kExpired = 1, kHasBefore = 2, kHasAfter = 4 };

auto unreadable() {
  return base::error(base::ErrorCode::kCorruption, "a change record that is not whole");
}

}  // namespace

std::string_view name_of(Kind kind) {
  if (kind == Kind::kInsert) return "INSERT";
  return kind == Kind::kModify ? "MODIFY" : "REMOVE";
}

std::size_t Record::bytes() const {
  std::size_t sum = tables::item_size(keys);
  if (before) sum += tables::item_size(*before);
  if (after) sum += tables::item_size(*after);
  return sum;
}

bool is_change(const tables::Change& change) {
  if (change.before == nullptr || change.after == nullptr) return change.before != change.after;
  return !tables::equal(*change.before, *change.after);
}

std::string encode_record(const tables::Change& change, View view, base::Timestamp created) {
  const bool old_shown = view == View::kOldImage || view == View::kBoth;
  const bool new_shown = view == View::kNewImage || view == View::kBoth;
  const tables::Item* const before = old_shown ? change.before : nullptr;
  const tables::Item* const after = new_shown ? change.after : nullptr;
  Kind kind = Kind::kModify;
  if (change.before == nullptr) kind = Kind::kInsert;
  if (change.after == nullptr) kind = Kind::kRemove;
  int flags = 0;
  if (change.expired) flags |= kExpired;
  if (before != nullptr) flags |= kHasBefore;
  if (after != nullptr) flags |= kHasAfter;
  tables::ByteWriter out;
  out.byte(kVersion);
  out.byte(static_cast<std::uint8_t>(kind));
  out.byte(static_cast<std::uint8_t>(flags));
  std::string time;
  base::append_u64(time, static_cast<std::uint64_t>(base::to_epoch_ms(created)));
  out.raw(time);
  const tables::Item& any = change.after != nullptr ? *change.after : *change.before;
  out.bytes(tables::encode_item(tables::key_of(change.table.keys, any)));
  if (before != nullptr) out.bytes(tables::encode_item(*before));
  if (after != nullptr) out.bytes(tables::encode_item(*after));
  return out.take();
}

base::Result<base::Timestamp> created_of(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes.front() != kVersion) return unreadable();
  return base::from_epoch_ms(static_cast<std::int64_t>(base::read_u64(bytes.substr(3))));
}

base::Result<Record> decode_record(Position position, std::string_view bytes) {
  Record made;
  made.position = position;
  ASSIGN_OR_RETURN(made.created, created_of(bytes));
  const auto kind = static_cast<std::uint8_t>(bytes[1]);
  if (kind > static_cast<std::uint8_t>(Kind::kRemove)) return unreadable();
  made.kind = static_cast<Kind>(kind);
  const int flags = bytes[2];
  made.expired = (flags & kExpired) != 0;
  tables::ByteReader in(bytes.substr(kHeadBytes));
  ASSIGN_OR_RETURN(made.keys, tables::decode_item(in.bytes()));
  if ((flags & kHasBefore) != 0) {
    ASSIGN_OR_RETURN(made.before, tables::decode_item(in.bytes()));
  }
  if ((flags & kHasAfter) != 0) {
    ASSIGN_OR_RETURN(made.after, tables::decode_item(in.bytes()));
  }
  if (in.bad() || in.left() > 0) return unreadable();
  return made;
}

}  // namespace changes
