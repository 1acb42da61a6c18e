#pragma once

// A stream as text for a person: its summary, its shards as a table, its records as lines. Pure.

#include <map>
#include <string>
#include <vector>

#include "client/kinesis_calls.h"
#include "client/observe.h"
#include "client/text_table.h"

namespace client {

// Three lines: name, state, kind; ARN; the rest. What the server did not say is left out.
std::string summary_text(const api::kinesis::StreamDescriptionSummary& summary);

struct ShardTableStyle {
  DrawStyle draw;
  bool whole_numbers = false;  // sequence numbers in full
};
// `observed` null: nobody looked, so there are no rates. Sequence numbers go if the table is too
// wide with them.
std::string shard_table(const std::vector<api::kinesis::Shard>& shards,
                        const std::map<std::string, Observed>* observed,
                        const ShardTableStyle& style);

std::string streams_table(const StreamList& list, const DrawStyle& style);

// `cells` characters for all hash keys, those of the range filled; never less than one.
std::string hash_bar(const api::kinesis::HashKeyRange& range, std::size_t cells,
                     const DrawStyle& style);
std::string hash_share(const api::kinesis::HashKeyRange& range);  // "25%", "0.4%"
std::string bytes_text(double bytes);                             // "0 B", "1.5 KiB"

struct RecordFilter {
  std::string text;                // that the data must hold; empty: any
  std::optional<std::string> key;  // that it must have

  bool lets_through(const api::kinesis::Record& record) const;
};

// Time of arrival, shard, sequence number, key and data with tabs between them, without an end of
// line. Data that is not UTF-8 is "base64:..."; characters that steer terminals are escaped.
std::string record_line(const std::string& shard, const api::kinesis::Record& record);
// The same as JSON: arrival, shard, sequence, key, and data or data_base64.
std::string record_json(const std::string& shard, const api::kinesis::Record& record);

}  // namespace client
