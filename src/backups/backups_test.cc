// Backups over tables: pictures are of one moment, the past comes back, and work survives a crash.
#include "backups/backups.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "async/timer.h"
#include "backups/keys.h"
#include "store/memory_store.h"
#include "tables/item.h"

namespace backups {
namespace {

using tables::Item;
using tables::Value;
using tables::Write;

Value s(std::string text) { return Value::of_s(std::move(text)); }
Value n(std::int64_t number) { return Value::of_n(std::to_string(number)); }
using Items = std::map<std::string, std::string>;  // their bytes

// A sync takes a millisecond, in which others run.
class SlowStore final : public store::Store {
 public:
  async::Task<base::Result<std::optional<std::string>>> get(std::string key) override {
    return memory_.get(std::move(key));
  }
  async::Task<base::Result<std::vector<store::KeyValue>>> scan(
      std::string from, std::string to, store::ScanOptions options) override {
    return memory_.scan(std::move(from), std::move(to), options);
  }
  async::Task<base::Result<std::vector<store::LogEntry>>> read_log(
      store::LogId log, std::uint64_t from, store::ReadLogOptions options) override {
    return memory_.read_log(log, from, options);
  }
  async::Task<base::Result<store::LogBounds>> log_bounds(store::LogId log) override {
    return memory_.log_bounds(log);
  }
  base::Result<store::Sequence> submit(store::Batch batch) override {
    return memory_.submit(std::move(batch));
  }
  async::Task<base::Status> durable(store::Sequence sequence) override {
    co_await async::sleep_for(std::chrono::milliseconds(1));
    base::Status done = co_await memory_.durable(sequence);
    co_return done;
  }
  store::Sequence applied() const override { return memory_.applied(); }
  store::Sequence durable_sequence() const override { return 0; }

 private:
  store::MemoryStore memory_;
};

class BackupsTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { close(); }

  void open() {
    histories = std::make_unique<Histories>(store, core, clock, random);
    ASSERT_TRUE(core.run(histories->open()));
    tables = std::make_unique<tables::Tables>(
        store, clock, random, tables::Tables::Settings{.cores = {&core}}, histories.get());
    ASSERT_TRUE(core.run(tables->open()));
    backups = std::make_unique<Backups>(Parts{.store = store,
                                              .control = core,
                                              .tables = *tables,
                                              .histories = *histories,
                                              .clock = clock,
                                              .random = random});
    ASSERT_TRUE(core.run(backups->open()));
  }
  void close() {
    core.run(backups->stop());
    core.run(tables->stop());
    core.run(histories->stop());
  }
  void reopen() {
    close();
    open();
  }
  void settle() { core.run_for(std::chrono::milliseconds(500)); }

  static tables::TableName name_of(std::string name) {
    return {"123456789012", "eu-west-1", std::move(name)};
  }
  tables::TablePtr create(const std::string& name = "things") {
    tables::Definition made;
    made.account = "123456789012";
    made.region = "eu-west-1";
    made.name = name;
    made.keys.hash = {"k", tables::Type::kS};
    made.attributes = {{"k", tables::Type::kS}, {"g", tables::Type::kS}};
    made.indexes = {{.name = "by_g", .global = true, .keys = {.hash = {"g", tables::Type::kS}}}};
    made.on_demand = true;
    made.tags["a"] = "b";
    auto table = core.run(tables->catalogue().create(std::move(made)));
    EXPECT_TRUE(table);
    return *table;
  }
  void recover(const std::string& name, bool enabled = true) {
    const auto changed =
        core.run(tables->catalogue().change(name_of(name), [&](tables::Definition& edited) {
          edited.point_in_time = {.enabled = enabled, .since = clock.now()};
          edited.settle_history();
          return std::optional<api::Error>();
        }));
    ASSERT_TRUE(changed);
  }
  void put(const tables::TablePtr& table, const std::string& key, std::int64_t number) {
    Write write{.kind = Write::Kind::kPut,
                .item = {{"k", s(key)}, {"n", n(number)}, {"g", s("g" + key)}}};
    ASSERT_TRUE(core.run(tables->writer().write(table, std::move(write))));
  }
  void remove(const tables::TablePtr& table, const std::string& key) {
    Write write{.kind = Write::Kind::kDelete, .item = {{"k", s(key)}}};
    ASSERT_TRUE(core.run(tables->writer().write(table, std::move(write))));
  }
  Items items_of(const tables::TablePtr& table, const char* index_name = nullptr) {
    const auto definition = table->definition();
    const tables::Index* index = index_name ? definition->find_index(index_name) : nullptr;
    tables::ReadOptions options;
    Items found;
    do {
      const auto page =
          core.run(tables->reader().scan(table, definition, index, tables::Segment(), options));
      EXPECT_TRUE(page);
      for (const Item& item : page->items)
        found[item.find("k")->second.s()] = tables::encode_item(item);
      options.start = page->last;
    } while (options.start);
    return found;
  }
  Backup back_up(const std::string& table = "things") {
    auto made = core.run(backups->create(name_of(table), "first"));
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  PartArn arn_of(const Backup& backup) { return *parse_part_arn(backup.arn(), "backup"); }
  Backup found(const Backup& backup) {
    const auto there = core.run(backups->find(arn_of(backup)));
    EXPECT_TRUE(there && *there);
    return **there;
  }
  tables::TablePtr restore(const Backup& backup, const std::string& to) {
    auto made = core.run(backups->restore(arn_of(backup), restored(backup.table, name_of(to))));
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  tables::TablePtr restore_to(base::Timestamp time, const std::string& to) {
    const auto source = tables->catalogue().find(name_of("things"));
    auto made = core.run(
        backups->restore_to(name_of("things"), time, restored(*source->definition(), name_of(to))));
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  // Rows that belong to no table.
  std::size_t leftovers(const std::string& prefix) {
    return core.run(store.scan(prefix, store::prefix_end(prefix), {}))->size();
  }

  base::ManualClock clock;
  base::SeededRandom random{1};
  async::ManualCore core{clock};
  SlowStore store;
  std::unique_ptr<Histories> histories;
  std::unique_ptr<tables::Tables> tables;
  std::unique_ptr<Backups> backups;
};

TEST_F(BackupsTest, ABackupHoldsWhatTheTableHeldAndOutlivesIt) {
  const auto table = create();
  for (int i = 0; i < 600; ++i) put(table, std::to_string(i), i);
  const Items before = items_of(table);
  const Backup backup = back_up();
  settle();
  EXPECT_EQ(found(backup).status, Backup::Status::kAvailable);
  EXPECT_EQ(found(backup).count.items, 600);
  EXPECT_EQ(found(backup).count.bytes, table->counts().at(tables::IndexId(0)).bytes);
  put(table, "0", 99);
  ASSERT_TRUE(core.run(tables->catalogue().remove(name_of("things"))));
  const auto again = restore(backup, "again");
  settle();
  EXPECT_FALSE(again->filling());
  EXPECT_EQ(items_of(again), before);
  EXPECT_EQ(items_of(again, "by_g"), before);
  EXPECT_EQ(again->counts().at(tables::IndexId(1)).items, 600);
  EXPECT_TRUE(again->definition()->tags.empty());
  EXPECT_FALSE(again->definition()->history);
}

TEST_F(BackupsTest, WritesWhileABackupIsTakenAreNotInIt) {
  const auto table = create();
  for (int i = 0; i < 800; ++i) put(table, std::to_string(i), i);
  const Items before = items_of(table);
  const Backup backup = back_up();
  EXPECT_EQ(found(backup).status, Backup::Status::kCreating);
  // Each write lets the copying go on a little.
  for (int i = 0; i < 800; ++i) {
    if (i % 3 == 0) put(table, std::to_string(i), -i);
    if (i % 3 == 1) remove(table, std::to_string(i));
    if (i % 3 == 2) put(table, "new" + std::to_string(i), i);
  }
  settle();
  const auto again = restore(backup, "again");
  settle();
  EXPECT_EQ(items_of(again), before);
  EXPECT_EQ(found(backup).count.items, 800);
  EXPECT_EQ(leftovers("Bh") + leftovers("Bl"), 0U);
  EXPECT_EQ(leftovers("Bj"), 0U);
  EXPECT_FALSE(table->definition()->history);
}

TEST_F(BackupsTest, EveryMomentOfTheWindowComesBack) {
  const auto table = create();
  for (int i = 0; i < 50; ++i) put(table, std::to_string(i), i);
  recover("things");
  std::map<base::Timestamp, Items> past;
  for (int step = 0; step < 6; ++step) {
    clock.advance(std::chrono::seconds(1));
    for (int i = 0; i < 40; ++i) {
      const std::string key = std::to_string((step * 31 + i * 7) % 80);
      if ((step + i) % 4 == 0) remove(table, key);
      else put(table, key, step * 1000 + i);
    }
    past[clock.now()] = items_of(table);
    clock.advance(std::chrono::milliseconds(1));
  }
  for (const auto& [time, items] : past) {
    const std::string name = "at" + std::to_string(base::to_epoch_ms(time));
    const auto again = restore_to(time, name);
    settle();
    EXPECT_EQ(items_of(again), items);
    EXPECT_EQ(again->definition()->origin->time, time);
    EXPECT_EQ(again->counts().at(tables::IndexId(0)).items,
              static_cast<std::int64_t>(items.size()));
  }
  EXPECT_EQ(leftovers("Bp"), 0U);
}

TEST_F(BackupsTest, ATransactionIsNeverCutInTwo) {
  const auto table = create();
  recover("things");
  for (int i = 0; i < 20; ++i) {
    std::vector<tables::TableWrite> both;
    for (const char* key : {"left", "right"})
      both.push_back(
          {table, Write{.kind = Write::Kind::kPut, .item = {{"k", s(key)}, {"n", n(i)}}}});
    ASSERT_TRUE(core.run(tables->writer().transact(std::move(both), std::nullopt)));
    clock.advance(std::chrono::milliseconds(3));
  }
  for (int back = 1; back < 50; back += 7) {
    const auto again =
        restore_to(clock.now() - std::chrono::milliseconds(back), "back" + std::to_string(back));
    settle();
    const Items items = items_of(again);
    ASSERT_EQ(items.size(), 2U);
    const auto number = [&items](const char* key) {
      return tables::decode_item(items.at(key))->at("n").n();
    };
    EXPECT_EQ(number("left"), number("right"));
  }
}

TEST_F(BackupsTest, AJobThatWasInterruptedIsFinished) {
  const auto table = create();
  for (int i = 0; i < 700; ++i) put(table, std::to_string(i), i);
  recover("things");
  const Items before = items_of(table);
  const base::Timestamp then = clock.now();
  clock.advance(std::chrono::seconds(1));
  put(table, "late", 1);
  const auto again = restore_to(then, "again");
  EXPECT_TRUE(again->filling());
  EXPECT_EQ(tables->catalogue().find_ready(name_of("again")), nullptr);
  reopen();  // the work stops between two pages
  core.run_for(std::chrono::milliseconds(3));
  reopen();
  settle();
  const auto there = tables->catalogue().find_ready(name_of("again"));
  ASSERT_NE(there, nullptr);
  EXPECT_EQ(items_of(there), before);
  EXPECT_EQ(there->counts().at(tables::IndexId(0)).items, 700);
  EXPECT_EQ(leftovers("Bj") + leftovers("Bp"), 0U);
}

TEST_F(BackupsTest, ATableThatIsBeingFilledOrBackedUpIsNotDeleted) {
  const auto table = create();
  put(table, "a", 1);
  const Backup backup = back_up();
  const auto refused = core.run(tables->catalogue().remove(name_of("things")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ResourceInUseException");
  EXPECT_EQ(core.run(backups->remove(arn_of(backup))).error().code, "BackupInUseException");
  settle();
  EXPECT_EQ(core.run(backups->remove(arn_of(backup)))->id, backup.id);
  EXPECT_EQ(leftovers("Bb") + leftovers("Bp"), 0U);
  EXPECT_EQ(core.run(backups->remove(arn_of(backup))).error().code, "BackupNotFoundException");
}

TEST_F(BackupsTest, ADeletedTableWithRecoveryLeavesASystemBackup) {
  const auto table = create();
  recover("things");
  for (int i = 0; i < 10; ++i) put(table, std::to_string(i), i);
  const Items before = items_of(table);
  ASSERT_TRUE(core.run(tables->catalogue().remove(name_of("things"))));
  settle();
  EXPECT_EQ(leftovers("Bh") + leftovers("Bl"), 0U);
  reopen();
  const auto page = core.run(backups->list("123456789012", "eu-west-1", {}, 10));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->backups.size(), 1U);
  const Backup& left = page->backups.front();
  EXPECT_EQ(left.type, Backup::Type::kSystem);
  EXPECT_EQ(left.count.items, 10);
  const auto again = restore(left, "things");
  settle();
  EXPECT_EQ(items_of(again), before);
  // It goes after its time, with its items.
  clock.advance(kSystemBackupLife);
  backups->start();
  settle();
  EXPECT_EQ(leftovers("Bb"), 0U);
  EXPECT_EQ(leftovers(left.items), 0U);
}

TEST_F(BackupsTest, HistoryIsTrimmedToItsWindowAndGoesWithRecovery) {
  const auto table = create();
  recover("things");
  put(table, "a", 1);
  const auto history = histories->find(*table->definition());
  ASSERT_NE(history, nullptr);
  EXPECT_EQ(history->first(), 1U);
  clock.advance(std::chrono::hours(24 * 35) + kTrimSlack + std::chrono::seconds(1));
  put(table, "a", 2);
  ASSERT_TRUE(core.run(histories->trim()));
  EXPECT_EQ(history->first(), 2U);
  const auto window = window_of(*table->definition(), clock.now());
  ASSERT_TRUE(window);
  // Both are whole seconds.
  EXPECT_LE(window->latest - window->earliest, std::chrono::hours(24 * 35));
  EXPECT_GE(window->latest - window->earliest,
            std::chrono::hours(24 * 35) - std::chrono::seconds(1));
  recover("things", false);
  settle();
  EXPECT_EQ(leftovers("Bh") + leftovers("Bl"), 0U);
  EXPECT_FALSE(window_of(*table->definition(), clock.now()));
}

TEST(PartArnTest, ReadsWhatItWrites) {
  const auto arn = parse_part_arn(
      "arn:aws:dynamodb:eu-west-1:123456789012:table/things/backup/01489602797149-73d8d5bc",
      "backup");
  ASSERT_TRUE(arn);
  EXPECT_EQ(arn->table, "things");
  EXPECT_EQ(arn->id, "01489602797149-73d8d5bc");
  for (const char* wrong :
       {"", "arn:aws:dynamodb:r:a:table/t/export/i", "arn:aws:dynamodb:r:a:table/t/backup/",
        "arn:aws:s3:r:a:table/t/backup/i", "arn:aws:dynamodb:r:a:table/t/backup/i/j"})
    EXPECT_FALSE(parse_part_arn(wrong, "backup")) << wrong;
}

TEST(BackupFormatTest, BackupsAndJobsAreReadBack) {
  base::SeededRandom random{1};
  tables::Definition table;
  table.name = "things";
  table.keys.hash = {"k", tables::Type::kS};
  Backup backup = system_backup(table, base::from_epoch_ms(1'489'602'797'149), random, {2, 30});
  const auto again = decode_backup(encode_backup(backup));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, backup.id);
  EXPECT_EQ(again->id.substr(0, 15), "01489602797149-");
  EXPECT_EQ(again->count.bytes, 30);
  EXPECT_EQ(again->expires, backup.expires);
  Job job;
  job.id = "x";
  job.kind = Job::Kind::kRestore;
  job.picture = Picture{.id = "x",
                        .table = tables::TableId(7),
                        .cut = 9,
                        .phase = Picture::Phase::kUndoing,
                        .cursor = "c",
                        .end = 12};
  job.target = {"a", "r", "t"};
  const auto same = decode_job(encode_job(job));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->picture->end, 12U);
  EXPECT_EQ(same->target.name, "t");
  EXPECT_FALSE(decode_job(""));
  EXPECT_FALSE(decode_backup("\x01"));
  for (std::size_t cut = 0; cut < 60; ++cut) {
    static_cast<void>(decode_backup(encode_backup(backup).substr(0, cut)));
    static_cast<void>(decode_job(encode_job(job).substr(0, cut)));
  }
}

}  // namespace
}  // namespace backups
