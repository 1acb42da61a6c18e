// Changes over tables: what is recorded, in which order, and that it agrees with the table.
#include "changes/changes.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "changes/document.h"
#include "store/memory_store.h"
#include "tables/item.h"
#include "tables/tables.h"

namespace changes {
namespace {

using tables::Item;
using tables::Value;
using tables::View;
using tables::Write;

Value s(std::string text) { return Value::of_s(std::move(text)); }
Value n(std::int64_t number) { return Value::of_n(std::to_string(number)); }

class ChangesTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { close(); }

  void open() {
    changes = std::make_unique<Changes>(store, core, clock);
    ASSERT_TRUE(core.run(changes->open()));
    tables = std::make_unique<tables::Tables>(
        store, clock, random, tables::Tables::Settings{.cores = {&core}}, changes.get());
    ASSERT_TRUE(core.run(tables->open()));
  }
  void close() {
    core.run(tables->stop());
    core.run(changes->stop());
  }
  void reopen() {
    close();
    open();
  }

  tables::TablePtr create(View view = View::kBoth, std::string name = "things") {
    tables::Definition made;
    made.account = "123456789012";
    made.region = "eu-west-1";
    made.name = std::move(name);
    made.keys.hash = {"k", tables::Type::kS};
    made.attributes = {{"k", tables::Type::kS}};
    made.on_demand = true;
    made.stream = tables::Capture{.view = view};
    auto table = core.run(tables->catalogue().create(std::move(made)));
    EXPECT_TRUE(table);
    return *table;
  }
  StreamPtr stream_of(const tables::TablePtr& table) {
    const auto definition = table->definition();
    return changes->find(
        {definition->account, definition->region, definition->name, label_of(*definition->stream)});
  }
  static tables::TableName name_of(const tables::TablePtr& table) {
    const auto definition = table->definition();
    return {definition->account, definition->region, definition->name};
  }
  static Item item(std::string key, std::int64_t number) {
    return {{"k", s(std::move(key))}, {"n", n(number)}};
  }
  void put(const tables::TablePtr& table, Item what) {
    Write write{.kind = Write::Kind::kPut, .item = std::move(what)};
    ASSERT_TRUE(core.run(tables->writer().write(table, std::move(write))));
  }
  void remove(const tables::TablePtr& table, const std::string& key) {
    Write write{.kind = Write::Kind::kDelete, .item = {{"k", s(key)}}};
    ASSERT_TRUE(core.run(tables->writer().write(table, std::move(write))));
  }
  std::vector<Record> read(const StreamPtr& stream) {
    std::vector<Record> all;
    for (const auto& shard : stream->shards()) {
      auto some = core.run(shard->read(1, 100'000, 100U << 20U));
      EXPECT_TRUE(some);
      for (Record& record : *some) all.push_back(std::move(record));
    }
    return all;
  }
  // The items that the stream's records add up to.
  std::map<std::string, Item> replay(const StreamPtr& stream) {
    std::map<std::string, Item> items;
    for (const Record& record : read(stream)) {
      const std::string key = record.keys.at("k").s();
      EXPECT_EQ(record.before.has_value(), items.contains(key)) << key;
      if (record.before) {
        EXPECT_TRUE(tables::equal(*record.before, items[key])) << key;
      }
      if (record.after) items[key] = *record.after;
      else items.erase(key);
    }
    return items;
  }
  std::map<std::string, Item> scan(const tables::TablePtr& table) {
    const std::string from = tables::keys::items(table->id());
    auto rows = core.run(store.scan(from, store::prefix_end(from), {.limit = 100'000}));
    std::map<std::string, Item> items;
    for (const auto& row : *rows) {
      Item found = *tables::decode_item(row.value);
      items[found.at("k").s()] = found;
    }
    return items;
  }
  void expect_agreement(const tables::TablePtr& table) {
    const auto replayed = replay(stream_of(table));
    const auto scanned = scan(table);
    ASSERT_EQ(replayed.size(), scanned.size());
    for (const auto& [key, value] : scanned)
      EXPECT_TRUE(replayed.contains(key) && tables::equal(replayed.at(key), value)) << key;
  }

  base::ManualClock clock;
  base::SeededRandom random{1};
  async::ManualCore core{clock};
  store::MemoryStore store;
  std::unique_ptr<Changes> changes;
  std::unique_ptr<tables::Tables> tables;
};

TEST_F(ChangesTest, EachChangeIsRecordedOnceAndNoChangeIsNot) {
  const auto table = create();
  put(table, item("a", 1));
  put(table, item("a", 1));
  put(table, item("a", 2));
  remove(table, "a");
  remove(table, "a");
  const auto records = read(stream_of(table));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].kind, Kind::kInsert);
  EXPECT_EQ(records[1].kind, Kind::kModify);
  EXPECT_EQ(records[2].kind, Kind::kRemove);
  EXPECT_FALSE(records[0].before);
  EXPECT_TRUE(tables::equal(*records[1].before, item("a", 1)));
  EXPECT_TRUE(tables::equal(*records[1].after, item("a", 2)));
  EXPECT_FALSE(records[2].after);
}

TEST_F(ChangesTest, AViewLeavesOutWhatItDoesNotShow) {
  const auto table = create(View::kKeysOnly);
  put(table, item("a", 1));
  const auto records = read(stream_of(table));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_FALSE(records[0].before || records[0].after);
  EXPECT_EQ(records[0].bytes(), 2U);
}

TEST_F(ChangesTest, StreamAndTableAgreeAfterRandomWritesAndRestarts) {
  auto table = create();
  for (int round = 0; round < 4; ++round) {
    std::vector<async::Task<api::Outcome<tables::Written>>> writes;
    for (int i = 0; i < 200; ++i) {
      const std::string key = std::to_string(random.below(20));
      Write write{.kind = Write::Kind::kDelete, .item = {{"k", s(key)}}};
      if (random.below(3) > 0)
        write = {.kind = Write::Kind::kPut,
                 .item = item(key, static_cast<std::int64_t>(random.below(3)))};
      writes.push_back(tables->writer().write(table, std::move(write)));
    }
    std::vector<tables::TableWrite> together;
    for (int i = 0; i < 20; ++i)
      together.push_back(
          {table, {.kind = Write::Kind::kPut, .item = item(std::to_string(i), round)}});
    const auto all = core.run(async::when_all(std::move(writes)));
    for (const auto& one : all) EXPECT_TRUE(one);
    EXPECT_TRUE(core.run(tables->writer().transact(together, std::nullopt)));
    for (auto& one : together) {
      Item changed = *one.write.item;
      changed["n"] = n(round + 7);
      one.write.item = std::move(changed);
    }
    EXPECT_TRUE(core.run(tables->writer().write_all(std::move(together))));
    reopen();
    table = tables->catalogue().find({"123456789012", "eu-west-1", "things"});
    expect_agreement(table);
  }
}

TEST_F(ChangesTest, NothingIsShownBeforeItIsDurable) {
  const auto table = create();
  const StreamPtr stream = stream_of(table);
  put(table, item("a", 1));
  core.run_for(std::chrono::nanoseconds(0));
  Position published = 0;
  for (const auto& shard : stream->shards()) published += shard->published() - 1;
  EXPECT_EQ(published, 1U);
  store.hold_syncs();
  std::optional<api::Outcome<tables::Written>> written;
  async::spawn(core, [](auto task, auto& into) -> async::Task<void> {
    into = co_await std::move(task);
  }(tables->writer().write(table, {.kind = Write::Kind::kPut, .item = item("a", 2)}), written));
  core.run_ready();
  EXPECT_FALSE(written);
  published = 0;
  for (const auto& shard : stream->shards()) published += shard->published() - 1;
  EXPECT_EQ(published, 1U);
  store.release_syncs();
  core.run_for(std::chrono::nanoseconds(0));
  EXPECT_TRUE(written && *written);
  published = 0;
  for (const auto& shard : stream->shards()) published += shard->published() - 1;
  EXPECT_EQ(published, 2U);
}

TEST_F(ChangesTest, AnEndedStreamIsReadableForADayAndThenGone) {
  const auto table = create();
  const StreamPtr stream = stream_of(table);
  const StreamName name = stream->info().name();
  put(table, item("a", 1));
  ASSERT_TRUE(core.run(tables->catalogue().remove(name_of(table))));
  EXPECT_TRUE(stream->is_over());
  clock.advance(std::chrono::hours(23));
  ASSERT_TRUE(core.run(changes->trim()));
  reopen();
  ASSERT_TRUE(changes->find(name));
  EXPECT_TRUE(changes->find(name)->is_over());
  EXPECT_EQ(read(changes->find(name)).size(), 1U);
  clock.advance(std::chrono::hours(2));
  ASSERT_TRUE(core.run(changes->trim()));
  EXPECT_FALSE(changes->find(name));
  reopen();
  EXPECT_FALSE(changes->find(name));
}

TEST_F(ChangesTest, RecordsAreTrimmedAfterADayAndNumbersGoOn) {
  auto table = create();
  put(table, item("a", 1));
  put(table, item("a", 2));
  clock.advance(std::chrono::hours(25));
  ASSERT_TRUE(core.run(changes->trim()));
  EXPECT_TRUE(read(stream_of(table)).empty());
  reopen();
  table = tables->catalogue().find({"123456789012", "eu-west-1", "things"});
  put(table, item("a", 3));
  const auto records = read(stream_of(table));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].position, 3U);
}

TEST_F(ChangesTest, AStreamThatIsEnabledAgainIsAnother) {
  const auto table = create();
  const auto set = [](bool enabled) {
    return [enabled](tables::Definition& edited) -> std::optional<api::Error> {
      if (enabled) edited.stream = tables::Capture{.view = View::kNewImage};
      else edited.stream->enabled = false;
      return std::nullopt;
    };
  };
  const StreamPtr first = stream_of(table);
  ASSERT_TRUE(core.run(tables->catalogue().change(name_of(table), set(false))));
  put(table, item("a", 1));
  ASSERT_TRUE(core.run(tables->catalogue().change(name_of(table), set(true))));
  put(table, item("a", 2));
  const StreamPtr second = stream_of(table);
  EXPECT_NE(first->info().name(), second->info().name());
  EXPECT_TRUE(first->is_over() && !second->is_over());
  EXPECT_TRUE(read(first).empty());
  EXPECT_EQ(read(second).size(), 1U);
}

TEST(ChangeRecordTest, KeepsItsByteForm) {
  tables::Definition table;
  table.keys.hash = {"k", tables::Type::kS};
  const Item after = {{"k", s("a")}};
  const tables::Change change{.table = table, .before = nullptr, .after = &after};
  const std::string bytes = encode_record(change, View::kNewImage, base::from_epoch_ms(0x0102));
  const std::string item_bytes(
      "\x01\x01\x01k\x01\x01"
      "a",
      7);
  EXPECT_EQ(bytes, std::string("\x01\x00\x04\0\0\0\0\0\0\x01\x02", 11) + "\x07" + item_bytes +
                       "\x07" + item_bytes);
  const auto read = decode_record(9, bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->position, 9U);
  EXPECT_TRUE(read->after && tables::equal(*read->after, after));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_record(9, std::string_view(bytes).substr(0, cut)));
}

TEST(StreamNamesTest, NumbersAndNamesAreReadBack) {
  StreamInfo info{.account = "123456789012", .region = "eu-west-1", .table = "things"};
  info.table_id = tables::TableId(7);
  info.keys.hash = {"k", tables::Type::kS};
  info.capture = {.number = 1, .shards = 4, .created = base::from_epoch_ms(1'800'000'000'123)};
  EXPECT_EQ(info.sequence_number(3, 5), "180000000000300000000000000005");
  EXPECT_EQ(info.parse_sequence_number(3, info.sequence_number(3, 5)), 5U);
  EXPECT_FALSE(info.parse_sequence_number(2, info.sequence_number(3, 5)));
  EXPECT_FALSE(info.parse_sequence_number(3, "18000000000030000000000000000x"));
  EXPECT_EQ(info.parse_shard_id(info.shard_id(2)), 2U);
  EXPECT_EQ(parse_stream_arn(info.name().arn()), info.name());
  const auto again = decode_stream(encode_stream(info));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->name(), info.name());
  EXPECT_EQ(again->capture, info.capture);
  for (const char* const wrong :
       {"", "arn:aws:dynamodb:r:1:table/x", "arn:aws:kinesis:r:1:stream/x",
        "arn:aws:dynamodb:r:1:table//stream/l", "arn:aws:dynamodb:"})
    EXPECT_FALSE(parse_stream_arn(wrong)) << wrong;
}

TEST(ChangeDocumentTest, HasTheShapeOfAnEvent) {
  StreamInfo info{.account = "1", .region = "r", .table = "t"};
  info.capture = {.number = 1, .created = base::from_epoch_ms(1'800'000'000'123)};
  Record record{.position = 1, .kind = Kind::kRemove, .expired = true};
  record.created = base::from_epoch_ms(1'800'000'000'999);
  record.keys = {{"k", s("\"")}};
  record.before = Item{{"b", Value::of_b("hi")}, {"k", s("\"")}};
  const std::string event = event_record(info, 0, record);
  EXPECT_NE(event.find(R"("ApproximateCreationDateTime":1800000000,"Keys":{"k":{"S":"\""}})"),
            std::string::npos);
  EXPECT_NE(event.find(R"("OldImage":{"b":{"B":"aGk="},"k":{"S":"\""}})"), std::string::npos);
  EXPECT_NE(event.find(R"("principalId":"dynamodb.amazonaws.com")"), std::string::npos);
  const std::string fed = feed_document(info, 0, record, true);
  EXPECT_NE(fed.find(R"("ApproximateCreationDateTime":1800000000999000)"), std::string::npos);
}

}  // namespace
}  // namespace changes
