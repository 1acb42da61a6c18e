#pragma once

// Event source mappings as text for a person: tables, durations, a blocking record. Pure.

#include <string>
#include <vector>

#include "api/millrace/operations.h"
#include "client/text_table.h"

namespace client {

std::string mappings_table(const std::vector<api::millrace::MappingSummary>& mappings,
                           const DrawStyle& style);
// The mapping's line or two, its shards as a table, and what blocks them.
std::string mapping_text(const api::millrace::DescribeMappingOutput& described, base::Timestamp now,
                         const DrawStyle& style);
// The record that blocks a shard, its error, and since when.
std::string blocked_text(const std::string& shard, const api::millrace::BlockedBatch& blocked,
                         base::Timestamp now);

std::string duration_text(std::chrono::milliseconds length);  // "350 ms", "12 s", "3 min 5 s"
// "function:f" and "stream/s" of their ARNs.
std::string short_name(const std::string& arn);

}  // namespace client
