#include "client/stream_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>

#include "base/encoding.h"
#include "base/time_text.h"
#include "wire/json_codec.h"

namespace client {
namespace {

namespace k = api::kinesis;

constexpr double kHashKeys = 0x1p128;
constexpr std::size_t kBarCells = 16;
constexpr std::size_t kSequenceEnds = 6;  // digits shown of either end

std::string plural(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// Near enough to draw with: a double has 53 bits, a bar far fewer.
double hash_key(const std::optional<std::string>& text) {
  return text ? std::strtod(text->c_str(), nullptr) : 0;
}

std::string mode_text(const std::optional<k::StreamModeDetails>& details) {
  const std::string mode = details ? details->stream_mode.value_or("") : "";
  if (mode == "ON_DEMAND") return "on demand";
  if (mode == "PROVISIONED") return "provisioned";
  return mode;
}

// "shardId-000000000012" -> "12"
std::string short_id(const std::string& id) {
  const std::size_t dash = id.rfind('-');
  if (dash == std::string::npos) return id;
  const std::size_t digit = id.find_first_not_of('0', dash + 1);
  return digit == std::string::npos ? "0" : id.substr(digit);
}

std::string sequence_text(const std::string& number, const ShardTableStyle& style) {
  if (style.whole_numbers || number.size() <= 2 * kSequenceEnds + 1) return number;
  return number.substr(0, kSequenceEnds) + (style.draw.unicode ? "…" : "~") +
         number.substr(number.size() - kSequenceEnds);
}

struct Rates {
  double records = 0;
  double bytes = 0;
  bool whole = true;

  // Both cells; more came than was counted where it says so.
  void show(std::vector<std::string>& cells, const DrawStyle& style) const {
    const std::string_view sign = whole ? "" : style.unicode ? "≥ " : ">= ";
    cells.push_back(fmt::format("{}{:.1f}", sign, records));
    cells.push_back(fmt::format("{}{}", sign, bytes_text(bytes)));
  }
};

std::vector<std::string> shard_cells(const k::Shard& shard, const ShardTableStyle& style,
                                     bool sequences) {
  const auto range = shard.hash_key_range.value_or(k::HashKeyRange());
  std::vector<std::string> parents;
  for (const std::string& parent : parents_of(shard)) parents.push_back(short_id(parent));
  std::vector<std::string> cells = {
      shard.shard_id.value_or(""), is_open(shard) ? "open" : "closed",
      fmt::format("{} {:>5}", hash_bar(range, kBarCells, style.draw), hash_share(range)),
      fmt::format("{}", fmt::join(parents, " + "))};
  if (!sequences) return cells;
  const auto numbers = shard.sequence_number_range.value_or(k::SequenceNumberRange());
  cells.push_back(sequence_text(numbers.starting_sequence_number.value_or(""), style));
  cells.push_back(sequence_text(numbers.ending_sequence_number.value_or(""), style));
  return cells;
}

TextTable make_shard_table(const std::vector<k::Shard>& shards,
                           const std::map<std::string, Observed>* observed,
                           const ShardTableStyle& style, bool sequences) {
  TextTable table;
  table.columns = {{"shard"}, {"state"}, {"hash keys"}, {"made of"}};
  if (sequences) table.columns.insert(table.columns.end(), {{"first sequence"}, {"last sequence"}});
  if (observed != nullptr)
    table.columns.insert(table.columns.end(), {{"records/s", true}, {"bytes/s", true}});
  Rates sum;
  for (const k::Shard& shard : shards) {
    auto cells = shard_cells(shard, style, sequences);
    if (observed != nullptr) {
      const auto at = observed->find(shard.shard_id.value_or(""));
      if (at == observed->end() || at->second.seconds <= 0) {
        cells.insert(cells.end(), {"", ""});
      } else {
        const Observed& seen = at->second;
        const Rates rates{static_cast<double>(seen.records) / seen.seconds,
                          static_cast<double>(seen.bytes) / seen.seconds, seen.whole};
        rates.show(cells, style.draw);
        sum = {sum.records + rates.records, sum.bytes + rates.bytes, sum.whole && rates.whole};
      }
    }
    table.rows.push_back(std::move(cells));
  }
  if (observed != nullptr && observed->size() > 1) {
    table.total.assign(table.columns.size() - 2, "");
    table.total.front() = "together";
    sum.show(table.total, style.draw);
  }
  return table;
}

std::string arrival_text(const k::Record& record) {
  return record.approximate_arrival_timestamp
             ? base::iso8601_ms(*record.approximate_arrival_timestamp)
             : "-";
}

}  // namespace

std::string summary_text(const k::StreamDescriptionSummary& summary) {
  std::vector<std::string> first;
  for (const std::string& word :
       {summary.stream_status.value_or(""), mode_text(summary.stream_mode_details)})
    if (!word.empty()) first.push_back(word);
  if (summary.open_shard_count) first.push_back(plural(*summary.open_shard_count, "open shard"));
  std::vector<std::string> more;
  if (summary.retention_period_hours)
    more.push_back("keeps records for " + plural(*summary.retention_period_hours, "hour"));
  if (summary.consumer_count)
    more.push_back(plural(*summary.consumer_count, "registered consumer"));
  if (summary.encryption_type)
    more.push_back(*summary.encryption_type == "NONE" ? "not encrypted"
                                                      : "encryption " + *summary.encryption_type);
  if (summary.max_record_size_in_ki_b)
    more.push_back(fmt::format("records up to {} KiB", *summary.max_record_size_in_ki_b));
  if (summary.stream_creation_timestamp)
    more.push_back("made " + base::iso8601(*summary.stream_creation_timestamp));
  return fmt::format("{}: {}\n{}\n{}\n", summary.stream_name.value_or(""), fmt::join(first, ", "),
                     summary.stream_arn.value_or(""), fmt::join(more, ", "));
}

std::string shard_table(const std::vector<k::Shard>& shards,
                        const std::map<std::string, Observed>* observed,
                        const ShardTableStyle& style) {
  const TextTable wide = make_shard_table(shards, observed, style, true);
  const std::size_t most = style.draw.characters_max;
  if (most == 0 || style.whole_numbers || wide.characters() <= most) return wide.draw(style.draw);
  return make_shard_table(shards, observed, style, false).draw(style.draw);
}

std::string streams_table(const StreamList& list, const DrawStyle& style) {
  TextTable table;
  table.columns = {{"stream"}};
  const bool summarised = list.summaries.size() == list.names.size();
  if (summarised) table.columns.insert(table.columns.end(), {{"state"}, {"mode"}, {"made"}});
  for (std::size_t i = 0; i < list.names.size(); ++i) {
    table.rows.push_back({list.names[i]});
    if (!summarised) continue;
    const k::StreamSummary& summary = list.summaries[i];
    table.rows.back().push_back(summary.stream_status.value_or(""));
    table.rows.back().push_back(mode_text(summary.stream_mode_details));
    table.rows.back().push_back(
        summary.stream_creation_timestamp ? base::iso8601(*summary.stream_creation_timestamp) : "");
  }
  return table.draw(style);
}

std::string hash_bar(const k::HashKeyRange& range, std::size_t cells, const DrawStyle& style) {
  const double cell = kHashKeys / static_cast<double>(cells);
  const double first = hash_key(range.starting_hash_key) / cell;
  const double end = (hash_key(range.ending_hash_key) + 1) / cell;
  auto from = static_cast<std::size_t>(std::lround(first));
  auto until = static_cast<std::size_t>(std::lround(end));
  if (until <= from) from = std::min(static_cast<std::size_t>(first), cells - 1), until = from + 1;
  std::string bar;
  for (std::size_t i = 0; i < cells; ++i) {
    const bool filled = i >= from && i < until;
    if (style.unicode) bar += filled ? "█" : "·";
    else bar += filled ? '#' : '.';
  }
  return bar;
}

std::string hash_share(const k::HashKeyRange& range) {
  const double keys = hash_key(range.ending_hash_key) - hash_key(range.starting_hash_key) + 1;
  const double percent = 100 * keys / kHashKeys;
  if (percent < 0.1) return "<0.1%";
  const bool round = percent >= 10 || std::abs(percent - std::round(percent)) < 0.05;
  return round ? fmt::format("{:.0f}%", percent) : fmt::format("{:.1f}%", percent);
}

std::string bytes_text(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit < 2; bytes /= 1024) ++unit;
  return fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

bool RecordFilter::lets_through(const k::Record& record) const {
  if (key && record.partition_key != *key) return false;
  return text.empty() || (record.data && record.data->find(text) != std::string::npos);
}

std::string record_line(const std::string& shard, const k::Record& record) {
  const std::string data = record.data.value_or("");
  return fmt::format("{}\t{}\t{}\t{}\t{}", arrival_text(record), shard,
                     record.sequence_number.value_or(""),
                     visible(record.partition_key.value_or("")),
                     base::is_valid_utf8(data) ? visible(data) : "base64:" + base::base64(data));
}

std::string record_json(const std::string& shard, const k::Record& record) {
  const std::string data = record.data.value_or("");
  const bool utf8 = base::is_valid_utf8(data);
  std::string out;
  const auto member = [&out](std::string_view name, std::string_view value) {
    out += out.empty() ? '{' : ',';
    wire::append_json_string(out, name);
    out += ':';
    wire::append_json_string(out, value);
  };
  member("arrival", arrival_text(record));
  member("shard", shard);
  member("sequence", record.sequence_number.value_or(""));
  member("key", record.partition_key.value_or(""));
  member(utf8 ? "data" : "data_base64", utf8 ? data : base::base64(data));
  out += '}';
  return out;
}

}  // namespace client
