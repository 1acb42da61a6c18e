#include "backups/exports.h"

#include <fmt/format.h>

#include <map>

#include "backups/keys.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/time_text.h"
#include "store/store.h"
#include "tables/item.h"
#include "wire/content_coding.h"
#include "wire/json_codec.h"

namespace backups {

namespace {

constexpr std::size_t kRowsPage = 256;
constexpr std::size_t kFileNameLetters = 26;

api::Error internal(const base::Error& error) {
  if (error.code != base::ErrorCode::kCancelled) base::log_error("exports: {}", error.to_string());
  return api::internal_failure();
}

std::string quoted(std::string_view text) {
  std::string out;
  wire::append_json_string(out, text);
  return out;
}

}  // namespace

struct Exports::Running {
  ExportOrder order;
  PartArn arn;
  Job job;
  tables::KeySchema keys;
  HistoryPtr history;      // of an incremental export
  Position until = 1;      // below it are the changes of an incremental export
  std::string root;        // of the objects: "prefix/AWSDynamoDB/"
  std::string text;        // of the data file to come
  std::int64_t items = 0;  // in that text
  std::int64_t items_in_all = 0;
  std::string manifest;  // of data files: a line for each

  std::string folder() const { return root + job.id + "/"; }
};

async::Task<void> Exports::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

async::Task<api::Outcome<Exports::Description>> Exports::begin(ExportOrder order) {
  return async::run_on(backups_.parts().control, begin_here(std::move(order)));
}

async::Task<api::Outcome<Exports::Description>> Exports::begin_here(ExportOrder order) {
  const Parts& parts = backups_.parts();
  const base::Timestamp now = parts.clock.now();
  auto running = std::make_shared<Running>();
  running->job.id = new_id(now, parts.random);
  running->job.kind = Job::Kind::kExport;
  const base::Milliseconds moment(1);
  // Changes of `from` itself are in; those of `until` are not.
  const base::Timestamp cut = order.from ? *order.from - moment : order.time;
  auto job = co_await backups_.begin_picture(order.table, cut, running->job);
  if (!job) co_return std::unexpected(std::move(job).error());
  running->job = *std::move(job);
  const auto table = parts.tables.catalogue().find(running->job.picture->table);
  CHECK(table != nullptr);  // it cannot be deleted now
  const auto definition = table->definition();
  running->keys = definition->keys;
  running->history = parts.histories.find(*definition);
  if (order.until) {
    const auto until = co_await running->history->position_after(*order.until - moment);
    if (!until) co_return std::unexpected(internal(until.error()));
    running->until = *until;
  }
  running->arn = {definition->account, definition->region, definition->name, running->job.id};
  Description& description = order.description;
  const std::string prefix = description.s3_prefix.value_or("");
  running->root = (prefix.empty() ? "" : prefix + "/") + "AWSDynamoDB/";
  description.export_arn = definition->arn() + "/export/" + running->job.id;
  description.export_status = "IN_PROGRESS";
  description.start_time = now;
  description.table_arn = definition->arn();
  description.table_id = definition->uuid;
  running->order = std::move(order);
  const Description begun = running->order.description;
  const auto saved = co_await known_.save(running->arn, begun);
  if (!saved) co_return std::unexpected(internal(saved.error()));
  async::spawn(parts.control, gate_, run(std::move(running)));
  co_return begun;
}

async::Task<void> Exports::run(std::shared_ptr<Running> running) {
  const Parts& parts = backups_.parts();
  co_await async::on(parts.control);
  const auto written = co_await write(*running);
  // Stopped with the server: the next start says so.
  if (stop_.stop_requested()) co_return;
  Description& description = running->order.description;
  description.end_time = parts.clock.now();
  description.export_status = written ? "COMPLETED" : "FAILED";
  if (written) {
    description.item_count = running->items_in_all;
    description.export_manifest = running->folder() + "manifest-summary.json";
  } else {
    description.failure_code = written.error().code;
    description.failure_message = written.error().message;
  }
  const auto saved = co_await known_.save(running->arn, description);
  if (!saved) base::log_error("exports: {}", saved.error().to_string());
  const auto forgotten = co_await backups_.forget(running->job);
  if (!forgotten) base::log_error("exports: {}", forgotten.error().to_string());
}

async::Task<api::Outcome<void>> Exports::write(Running& running) {
  // Says early whether the bucket can be written to.
  const auto begun = co_await running.order.bucket->put(running.folder() + "_started", "");
  if (!begun) co_return std::unexpected(begun.error());
  auto rows = running.order.from ? write_changes(running) : write_items(running);
  const auto written = co_await std::move(rows);
  if (!written) co_return written;
  const auto finished = co_await write_manifests(running);
  co_return finished;
}

async::Task<api::Outcome<void>> Exports::write_items(Running& running) {
  const auto taken = co_await backups_.take_picture(running.job);
  if (!taken) co_return std::unexpected(internal(taken.error()));
  running.order.description.billed_size_bytes = running.job.picture->count.bytes;
  const auto written = co_await write_rows(running);
  co_return written;
}

async::Task<api::Outcome<void>> Exports::write_changes(Running& running) {
  const auto gathered = co_await gather_changes(running);
  if (!gathered) co_return gathered;
  const auto written = co_await write_rows(running);
  co_return written;
}

// The changes add up to one for each item, in the store, in place of a picture's items.
async::Task<api::Outcome<void>> Exports::gather_changes(Running& running) {
  store::Store& store = backups_.parts().store;
  const std::string prefix = running.job.picture->prefix();
  Position at = running.job.picture->cut;
  std::int64_t bytes = 0;
  while (at < running.until) {
    if (stop_.stop_requested()) co_return std::unexpected(api::internal_failure());
    const auto records = co_await running.history->read(at, running.until);
    if (!records) co_return std::unexpected(internal(records.error()));
    if (records->empty()) break;
    std::map<std::string, NetChange> page;
    for (const changes::Record& record : *records) {
      const std::string key = prefix + tables::encode_key(running.keys, record.keys);
      auto there = page.find(key);
      if (there == page.end()) {
        NetChange change{record.created, record.keys, record.before, std::nullopt};
        const auto row = co_await store.get(key);
        if (!row) co_return std::unexpected(internal(row.error()));
        if (*row) {
          auto known = decode_change(**row);
          if (!known) co_return std::unexpected(internal(known.error()));
          change = *std::move(known);
        }
        there = page.emplace(key, std::move(change)).first;
      }
      there->second.time = record.created;
      there->second.after = record.after;
    }
    store::Batch batch;
    for (const auto& [key, change] : page) {
      std::string row = encode_change(change);
      bytes += static_cast<std::int64_t>(row.size());
      batch.put(key, std::move(row));
    }
    const auto stored = co_await store.commit(std::move(batch));
    if (!stored) co_return std::unexpected(internal(stored.error()));
    at = records->back().position + 1;
  }
  running.order.description.billed_size_bytes = bytes;
  co_return api::Outcome<void>();
}

async::Task<api::Outcome<void>> Exports::write_rows(Running& running) {
  store::Store& store = backups_.parts().store;
  const std::string prefix = running.job.picture->prefix();
  const std::string to = store::prefix_end(prefix);
  const ExportOrder& order = running.order;
  std::string from = prefix;
  for (;;) {
    if (stop_.stop_requested()) co_return std::unexpected(api::internal_failure());
    const auto rows = co_await store.scan(from, to, {.limit = kRowsPage});
    if (!rows) co_return std::unexpected(internal(rows.error()));
    for (const store::KeyValue& row : *rows) {
      if (order.from) {
        const auto change = decode_change(row.value);
        if (!change) co_return std::unexpected(internal(change.error()));
        append_change_line(running.text, order.format, *change, order.with_old_image);
      } else {
        const auto item = tables::decode_item(row.value);
        if (!item) co_return std::unexpected(internal(item.error()));
        append_item_line(running.text, order.format, *item);
      }
      ++running.items;
    }
    if (!rows->empty()) from = rows->back().key + '\0';
    // An export has a data file, if an empty one.
    const bool last = rows->empty() && (running.items > 0 || running.manifest.empty());
    if (last || running.text.size() >= kExportFileBytes) {
      const auto written = co_await write_file(running);
      if (!written) co_return written;
    }
    if (rows->empty()) co_return api::Outcome<void>();
    co_await async::yield();
  }
}

async::Task<api::Outcome<void>> Exports::write_file(Running& running) {
  std::string text = std::exchange(running.text, "");
  auto packed =
      co_await pool_.run([&text] { return wire::deflate_body(wire::ContentCoding::kGzip, text); });
  if (!packed) co_return std::unexpected(api::internal_failure());
  const std::string md5 = base::base64(base::md5(*packed));
  // Incremental exports share a folder.
  const std::string key =
      (running.order.from ? running.root : running.folder()) + "data/" +
      base::random_text(backups_.parts().random, base::kLowerAlphanumeric, kFileNameLetters) +
      (running.order.format == ExportFormat::kIon ? ".ion.gz" : ".json.gz");
  const auto etag = co_await running.order.bucket->put(key, *std::move(packed));
  if (!etag) co_return std::unexpected(etag.error());
  running.manifest +=
      fmt::format(R"({{"itemCount":{},"md5Checksum":{},"etag":{},"dataFileS3Key":{}}})",
                  running.items, quoted(md5), quoted(*etag), quoted(key)) +
      "\n";
  running.items_in_all += std::exchange(running.items, 0);
  co_return api::Outcome<void>();
}

async::Task<api::Outcome<void>> Exports::write_manifests(Running& running) {
  const Description& export_ = running.order.description;
  const bool full = !running.order.from;
  const auto time = [](const std::optional<base::Timestamp>& given) {
    return quoted(base::iso8601_ms(given.value_or(base::Timestamp())));
  };
  std::string out = fmt::format(
      R"({{"version":"{}","exportArn":{},"startTime":{},"endTime":{},"tableArn":{},"tableId":{},)",
      full ? "2020-06-30" : "2023-08-01", quoted(*export_.export_arn), time(export_.start_time),
      time(backups_.parts().clock.now()), quoted(*export_.table_arn), quoted(*export_.table_id));
  if (full) out += fmt::format(R"("exportTime":{},)", time(running.order.time));
  else
    out += fmt::format(R"("exportFromTime":{},"exportToTime":{},)", time(running.order.from),
                       time(running.order.until));
  out += fmt::format(
      R"("s3Bucket":{},"s3Prefix":{},"s3SseAlgorithm":{},"s3SseKmsKeyId":null,)"
      R"("manifestFilesS3Key":{},"billedSizeBytes":{},"itemCount":{},"outputFormat":{},)",
      quoted(*export_.s3_bucket), export_.s3_prefix ? quoted(*export_.s3_prefix) : "null",
      quoted(export_.s3_sse_algorithm.value_or("AES256")),
      quoted(running.folder() + "manifest-files.json"), export_.billed_size_bytes.value_or(0),
      running.items_in_all, quoted(*export_.export_format));
  if (!full)
    out += fmt::format(R"("outputView":{},)",
                       quoted(running.order.with_old_image ? "NEW_AND_OLD_IMAGES" : "NEW_IMAGE"));
  out += fmt::format(R"("exportType":{}}})", quoted(*export_.export_type));
  const auto files = co_await put_with_md5(running, "manifest-files", running.manifest);
  if (!files) co_return files;
  const auto summary = co_await put_with_md5(running, "manifest-summary", std::move(out));
  co_return summary;
}

async::Task<api::Outcome<void>> Exports::put_with_md5(Running& running, std::string name,
                                                      std::string body) {
  const std::string md5 = base::base64(base::md5(body));
  const auto put =
      co_await running.order.bucket->put(running.folder() + name + ".json", std::move(body));
  if (!put) co_return std::unexpected(put.error());
  const auto sum = co_await running.order.bucket->put(running.folder() + name + ".md5", md5);
  if (!sum) co_return std::unexpected(sum.error());
  co_return api::Outcome<void>();
}

}  // namespace backups
