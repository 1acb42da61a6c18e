#include "event_processor/processor.h"

#include <array>
#include <utility>

namespace event_processor {

sdk::Result<std::string> Processor::handle(const sdk::Event& event, const sdk::Context& context) {
  const std::int64_t begin_ms = clock_.now_unix_ms();
  auto batch = decode(event.payload);
  if (!batch) return std::unexpected(batch.error());
  auto written = store(std::move(batch->items), context.deadline().minus_ms(kAnswerReserveMs));
  if (!written) return std::unexpected(written.error());
  return report(*batch, *written, clock_.now_unix_ms() - begin_ms);
}

sdk::Result<Processor::Decoded> Processor::decode(std::string_view payload) {
  auto records = parse_kinesis_event(payload);
  if (!records) return std::unexpected(records.error());
  Decoded out;
  out.records = records->size();
  out.items.reserve(records->size());
  for (const KinesisRecord& record : *records) {
    auto made = item_from(record);
    if (auto* item = std::get_if<Item>(&made)) {
      out.items.push_back(std::move(*item));
      continue;
    }
    ++out.malformed;
    log_.line("malformed record eventID=" + (record.event_id.empty() ? "-" : record.event_id) +
              " reason: " + std::get<Malformed>(made).reason);
  }
  const std::size_t before = out.items.size();
  out.items = last_of_each_key(std::move(out.items));
  out.replaced = before - out.items.size();
  return out;
}

sdk::Result<WriteReport> Processor::store(std::vector<Item> items, sdk::Deadline deadline) {
  if (items.empty()) return WriteReport{};
  auto table = configuration_.data_table(deadline);
  if (!table) return std::unexpected(table.error());
  auto written = writer_.write(*table, std::move(items), deadline);
  // A stack that was made anew has another table; what is remembered here must not outlive it.
  if (!written && written.error().type == "ResourceNotFoundException") configuration_.forget();
  return written;
}

std::string Processor::report(const Decoded& batch, const WriteReport& write,
                              std::int64_t span_ms) {
  const std::array<std::pair<const char*, std::int64_t>, 7> figures = {{
      {"records", batch.records},
      {"written", write.written},
      {"replaced", batch.replaced},
      {"malformed", batch.malformed},
      {"calls", write.calls},
      {"retried", write.retried},
      {"ms", span_ms},
  }};
  std::string line = "batch";
  std::string json;
  for (const auto& [name, value] : figures) {
    const std::string number = std::to_string(value);
    line.append(" ").append(name).append("=").append(number);
    json.append(json.empty() ? "{\"" : ",\"").append(name).append("\":").append(number);
  }
  log_.line(line);
  return json + "}";
}

}  // namespace event_processor
