#pragma once

// The lines of an export's data files, in AWS's two formats: DynamoDB JSON, and Ion text. Pure.

#include "changes/record.h"
#include "tables/value.h"

namespace backups {

enum class ExportFormat : std::uint8_t { kJson, kIon };

// One item of a full export, with the line's end.
void append_item_line(std::string& out, ExportFormat format, const tables::Item& item);

// What has become of one item within the time of an incremental export.
struct NetChange {
  base::Timestamp time;  // of the last change
  tables::Item keys;
  std::optional<tables::Item> before;  // at the beginning
  std::optional<tables::Item> after;   // at the end
};
void append_change_line(std::string& out, ExportFormat format, const NetChange& change,
                        bool with_old_image);

std::string encode_change(const NetChange& change);
base::Result<NetChange> decode_change(std::string_view bytes);

}  // namespace backups
