#include "backups/imports.h"

#include <algorithm>
#include <map>

#include "backups/keys.h"
#include "base/log.h"

namespace backups {

namespace {

constexpr std::string_view kItemsCode = "ItemValidationError";
constexpr std::string_view kItemsMessage =
    "Some of the items failed validation checks and were not imported. Please check CloudWatch "
    "error logs for more details.";

using tables::Item;

api::Error internal(const base::Error& error) {
  base::log_error("imports: {}", error.to_string());
  return api::internal_failure();
}

api::Error broken(const std::string& key) {
  return {.code = "ItemValidationError",
          .status = 400,
          .message = "The file cannot be decompressed: " + key};
}

}  // namespace

struct Imports::Running {
  ImportOrder order;
  PartArn arn;
  Job job;
  tables::TablePtr table;
  std::shared_ptr<const tables::Definition> definition;
  std::int64_t bytes = 0;  // read, as they lie in the bucket
  std::int64_t items = 0;  // read, fit or not
  std::int64_t written = 0;
  std::int64_t errors = 0;
};

async::Task<void> Imports::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

async::Task<api::Outcome<Imports::Description>> Imports::begin(ImportOrder order) {
  return async::run_on(backups_.parts().control, begin_here(std::move(order)));
}

async::Task<api::Outcome<Imports::Description>> Imports::begin_here(ImportOrder order) {
  const Parts& parts = backups_.parts();
  auto running = std::make_shared<Running>();
  const base::Timestamp now = parts.clock.now();
  tables::Definition target = std::move(order.target);
  running->job.id = new_id(now, parts.random);
  running->job.kind = Job::Kind::kImport;
  running->job.target = {target.account, target.region, target.name};
  running->arn = {target.account, target.region, target.name, running->job.id};
  tables::Origin& origin = target.origin.emplace();
  origin.kind = tables::Origin::Kind::kImported;
  origin.job = running->job.id;
  const auto begun = co_await backups_.remember(running->job);
  if (!begun) co_return std::unexpected(internal(begun.error()));
  auto made = co_await parts.tables.catalogue().create(std::move(target));
  if (!made) {
    const auto forgotten = co_await backups_.forget(running->job);
    if (!forgotten) base::log_error("imports: {}", forgotten.error().to_string());
    co_return std::unexpected(std::move(made).error());
  }
  running->table = *std::move(made);
  running->definition = running->table->definition();
  Description& description = order.description;
  description.import_arn = running->definition->arn() + "/import/" + running->job.id;
  description.import_status = "IN_PROGRESS";
  description.start_time = now;
  description.table_arn = running->definition->arn();
  description.table_id = running->definition->uuid;
  running->order = std::move(order);
  const Description shown = running->order.description;
  const auto saved = co_await known_.save(running->arn, shown);
  if (!saved) co_return std::unexpected(internal(saved.error()));
  async::spawn(parts.control, gate_, run(std::move(running)));
  co_return shown;
}

async::Task<void> Imports::run(std::shared_ptr<Running> running) {
  const Parts& parts = backups_.parts();
  co_await async::on(parts.control);
  auto done = co_await read_all(*running);
  // Stopped with the server: the next start says so, and takes the table away.
  if (stop_.stop_requested()) co_return;
  auto ending = done ? parts.tables.catalogue().fill_done(running->job.target)
                     : parts.tables.catalogue().abandon(running->job.target);
  const auto ended = co_await std::move(ending);
  if (done && !ended) done = std::unexpected(ended.error());
  Description& description = running->order.description;
  // An item that is wrong makes it a failure, and the table with the others stays.
  const bool whole = done && running->errors == 0;
  description.import_status = whole ? "COMPLETED" : "FAILED";
  description.end_time = parts.clock.now();
  if (!whole) {
    description.failure_code = done ? std::string(kItemsCode) : done.error().code;
    description.failure_message = done ? std::string(kItemsMessage) : done.error().message;
  }
  const auto told = co_await tell(*running);
  if (!told) base::log_error("imports: {}", told.error().to_string());
  const auto forgotten = co_await backups_.forget(running->job);
  if (!forgotten) base::log_error("imports: {}", forgotten.error().to_string());
}

async::Task<base::Status> Imports::tell(Running& running) {
  Description& description = running.order.description;
  description.processed_size_bytes = running.bytes;
  description.processed_item_count = running.items;
  description.imported_item_count = running.written;
  description.error_count = running.errors;
  base::Status saved = co_await known_.save(running.arn, description);
  co_return saved;
}

async::Task<api::Outcome<void>> Imports::read_all(Running& running) {
  std::string after;
  for (;;) {
    const auto listing = co_await running.order.bucket->list(running.order.prefix, after);
    if (!listing) co_return std::unexpected(listing.error());
    for (const Bucket::Entry& file : listing->entries) {
      const auto done = co_await read_file(running, file);
      if (!done) co_return done;
      const auto told = co_await tell(running);
      if (!told) co_return std::unexpected(internal(told.error()));
    }
    if (!listing->more || listing->entries.empty()) co_return api::Outcome<void>();
    after = listing->entries.back().key;
  }
}

async::Task<api::Outcome<void>> Imports::read_file(Running& running, Bucket::Entry file) {
  Inflater inflater(running.order.compression);
  Lines lines(running.order.settings.format);
  ItemParser parser(*running.definition, running.order.settings);
  for (std::uint64_t at = 0; at < file.size;) {
    if (stop_.stop_requested()) co_return std::unexpected(api::internal_failure());
    auto piece = co_await running.order.bucket->read(
        file.key, at, std::min<std::uint64_t>(file.size - at, kImportPieceBytes));
    if (!piece) co_return std::unexpected(std::move(piece).error());
    if (piece->empty()) break;
    at += piece->size();
    running.bytes += static_cast<std::int64_t>(piece->size());
    inflater.feed(*std::move(piece));
    const auto read = co_await read_piece(running, inflater, lines, parser);
    if (!read && read.error().code.empty()) co_return std::unexpected(broken(file.key));
    if (!read) co_return read;
  }
  if (!inflater.is_whole()) co_return std::unexpected(broken(file.key));
  lines.end();
  const auto written = co_await write(running, lines.take(), parser);
  co_return written;
}

// An error without a code: broken.
async::Task<api::Outcome<void>> Imports::read_piece(Running& running, Inflater& inflater,
                                                    Lines& lines, ItemParser& parser) {
  for (;;) {
    const auto text = co_await pool_.run([&inflater] { return inflater.take(kImportPieceBytes); });
    if (!text) co_return std::unexpected(api::Error());
    if (text->empty()) co_return api::Outcome<void>();
    lines.feed(*text);
    const auto written = co_await write(running, lines.take(), parser);
    if (!written) co_return written;
  }
}

async::Task<api::Outcome<void>> Imports::write(Running& running, std::vector<Lines::Line> lines,
                                               ItemParser& parser) {
  for (std::size_t at = 0; at < lines.size();) {
    // Of equal keys in one page the last counts.
    std::map<std::string, tables::TableWrite> page;
    std::int64_t items = 0;
    for (; at < lines.size() && page.size() < kImportPage; ++at) {
      auto item = parser.parse(lines[at]);
      if (item && !*item) continue;
      ++running.items;
      if (!item) {
        ++running.errors;
        continue;
      }
      ++items;
      const std::string key = tables::encode_key(running.definition->keys, **item);
      page[key] = {running.table, {.kind = tables::Write::Kind::kPut, .item = **std::move(item)}};
    }
    std::vector<tables::TableWrite> writes;
    for (auto& [key, one] : page) writes.push_back(std::move(one));
    if (!writes.empty()) {
      const auto written = co_await backups_.parts().tables.writer().write_all(std::move(writes));
      if (!written) co_return std::unexpected(written.error());
    }
    running.written += items;
    co_await async::yield();
  }
  co_return api::Outcome<void>();
}

}  // namespace backups
