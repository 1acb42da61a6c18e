#include "backups/picture.h"

#include <algorithm>
#include <map>

#include "backups/keys.h"
#include "tables/item.h"
#include "tables/record.h"

namespace backups {

namespace {

namespace field {
constexpr std::uint64_t kId = 1, kTable = 2, kCut = 3, kPhase = 4, kCursor = 5, kEnd = 6,
                        kItems = 7, kBytes = 8;
}

base::Status stopped() { return base::error(base::ErrorCode::kCancelled, "stopping"); }

tables::Count count_of(const tables::Item& item) {
  return {1, static_cast<std::int64_t>(tables::item_size(item))};
}

void add(tables::Count& sum, const tables::Count& one, std::int64_t times) {
  sum.items += times * one.items;
  sum.bytes += times * one.bytes;
}

class Taker {
 public:
  Taker(store::Store& store, History& history, const tables::KeySchema& keys, Picture& picture,
        const Persist& persist, std::stop_token stop)
      : store_(store),
        history_(history),
        keys_(keys),
        picture_(picture),
        persist_(persist),
        stop_(std::move(stop)) {}

  async::Task<base::Status> copy();
  async::Task<base::Status> undo();

 private:
  // Changes of one item in a page: what it was before the first of them.
  using Befores = std::map<std::string, std::optional<tables::Item>>;
  async::Task<base::Status> put_back(const Befores& befores, Position from);

  store::Store& store_;
  History& history_;
  const tables::KeySchema& keys_;
  Picture& picture_;
  const Persist& persist_;
  const std::stop_token stop_;
};

async::Task<base::Status> Taker::copy() {
  const std::string source = tables::keys::items(picture_.table);
  const std::string to = store::prefix_end(source);
  const std::string target = picture_.prefix();
  for (;;) {
    if (stop_.stop_requested()) co_return stopped();
    const auto page = co_await store_.scan(source + picture_.cursor, to, {.limit = kCopyPage});
    if (!page) co_return std::unexpected(page.error());
    store::Batch batch;
    for (const store::KeyValue& row : *page) {
      const auto item = tables::decode_item(row.value);
      if (!item) co_return std::unexpected(item.error());
      add(picture_.count, count_of(*item), 1);
      batch.put(target + row.key.substr(source.size()), row.value);
    }
    if (page->empty()) {
      picture_.phase = Picture::Phase::kUndoing;
      picture_.cursor.clear();
      // All that the copying may have seen is below.
      picture_.end = history_.cut();
    } else {
      picture_.cursor = page->back().key.substr(source.size()) + '\0';
    }
    persist_(picture_, batch);
    const auto stored = co_await store_.commit(std::move(batch));
    if (!stored || page->empty()) co_return stored;
  }
}

async::Task<base::Status> Taker::undo() {
  while (picture_.end > picture_.cut) {
    if (stop_.stop_requested()) co_return stopped();
    const auto records = co_await history_.read_back(picture_.cut, picture_.end);
    if (!records) co_return std::unexpected(records.error());
    if (records->empty() || records->front().position + 1 != picture_.end)
      co_return base::error(base::ErrorCode::kCorruption, "changes are missing in a history");
    Befores befores;
    for (const changes::Record& record : *records)
      befores[tables::encode_key(keys_, record.keys)] = record.before;
    const auto stored = co_await put_back(befores, records->back().position);
    if (!stored) co_return stored;
  }
  picture_.phase = Picture::Phase::kTaken;
  store::Batch batch;
  persist_(picture_, batch);
  const auto stored = co_await store_.commit(std::move(batch));
  co_return stored;
}

async::Task<base::Status> Taker::put_back(const Befores& befores, Position from) {
  const std::string target = picture_.prefix();
  store::Batch batch;
  for (const auto& [key, before] : befores) {
    const auto there = co_await store_.get(target + key);
    if (!there) co_return std::unexpected(there.error());
    if (*there) {
      const auto item = tables::decode_item(**there);
      if (!item) co_return std::unexpected(item.error());
      add(picture_.count, count_of(*item), -1);
    }
    if (before) {
      add(picture_.count, count_of(*before), 1);
      batch.put(target + key, tables::encode_item(*before));
    } else if (*there) {
      batch.erase(target + key);
    }
  }
  picture_.end = from;
  persist_(picture_, batch);
  const auto stored = co_await store_.commit(std::move(batch));
  co_return stored;
}

}  // namespace

std::string Picture::prefix() const { return keys::picture(id); }

async::Task<base::Status> take(store::Store& store, History& history, tables::KeySchema keys,
                               Picture& picture, Persist persist, std::stop_token stop) {
  Taker taker(store, history, keys, picture, persist, std::move(stop));
  if (picture.phase == Picture::Phase::kCopying) {
    const auto copied = co_await taker.copy();
    if (!copied) co_return copied;
  }
  if (picture.phase == Picture::Phase::kUndoing) {
    const auto undone = co_await taker.undo();
    if (!undone) co_return undone;
  }
  co_return base::Status();
}

std::string encode_picture(const Picture& picture) {
  tables::ByteWriter out;
  out.field(field::kId, picture.id);
  out.field(field::kTable, picture.table.value());
  out.field(field::kCut, picture.cut);
  out.field(field::kPhase, static_cast<std::uint64_t>(picture.phase));
  out.field(field::kCursor, picture.cursor);
  out.field(field::kEnd, picture.end);
  out.field(field::kItems, static_cast<std::uint64_t>(picture.count.items));
  out.field(field::kBytes, static_cast<std::uint64_t>(picture.count.bytes));
  return out.take();
}

Picture decode_picture(std::string_view bytes) {
  using tables::ByteReader;
  Picture made;
  for (ByteReader in(bytes); !in.done();) {
    const std::uint64_t tag = in.varint();
    const std::string_view value = in.bytes();
    const auto number = [&] { return ByteReader::number(value); };
    if (tag == field::kId) made.id = value;
    if (tag == field::kTable) made.table = tables::TableId(static_cast<std::uint32_t>(number()));
    if (tag == field::kCut) made.cut = number();
    if (tag == field::kPhase) made.phase = static_cast<Picture::Phase>(number() % 3);
    if (tag == field::kCursor) made.cursor = value;
    if (tag == field::kEnd) made.end = number();
    if (tag == field::kItems) made.count.items = static_cast<std::int64_t>(number());
    if (tag == field::kBytes) made.count.bytes = static_cast<std::int64_t>(number());
  }
  return made;
}

}  // namespace backups
