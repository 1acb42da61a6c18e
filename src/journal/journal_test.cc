#include "journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "journal/keys.h"
#include "journal/row.h"
#include "store/memory_store.h"

namespace journal {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class JournalTest : public testing::Test {
 protected:
  GroupPtr make(std::string name = "/aws/lambda/f") {
    return *core.run(journal->create_group({"000000000000", "us-east-1", std::move(name)}, {}));
  }
  std::unique_ptr<Journal> fresh() { return std::make_unique<Journal>(store, core, clock); }
  void reopen() {
    journal = fresh();
    ASSERT_TRUE(core.run(journal->open()).has_value());
  }
  StreamInfo stream_of(const GroupPtr& group, std::string name) {
    return *core.run(journal->find_stream(group, std::move(name)));
  }
  void make_stream(const GroupPtr& group, std::string name) {
    ASSERT_TRUE(core.run(journal->create_stream(group, std::move(name))).has_value());
  }
  void put(const GroupPtr& group, std::string stream, std::vector<NewEvent> events) {
    const auto done = core.run(journal->append(group, std::move(stream), std::move(events)));
    ASSERT_TRUE(done.has_value()) << done.error().to_string();
  }
  std::vector<std::string> messages(const GroupPtr& group, std::string stream, Range range = {},
                                    std::size_t limit = 100, bool from_end = false) {
    const auto info = stream_of(group, std::move(stream));
    std::vector<std::string> found;
    const auto events = core.run(journal->read(group, info.id, range, {.events = limit}, from_end));
    for (const Event& event : *events) found.push_back(event.message);
    return found;
  }
  std::vector<std::string> merged(const GroupPtr& group, GroupQuery query = {},
                                  std::size_t limit = 100) {
    std::vector<std::string> found;
    for (;;) {
      const auto page = core.run(journal->read_group(group, query, {.events = limit}));
      EXPECT_LE(page->events.size(), limit);
      for (const GroupEvent& event : page->events)
        found.push_back(event.stream + ":" + event.event.message);
      if (!page->next) return found;
      query.range.from = *page->next;
    }
  }
  std::size_t keys_of(const GroupPtr& group, keys::Part part) {
    const std::string from = keys::part(part, group->info.id);
    return core.run(store.scan(from, store::prefix_end(from), {.limit = 100'000}))->size();
  }
  std::uint64_t now_ms() { return static_cast<std::uint64_t>(base::to_epoch_ms(clock.now())); }

  base::ManualClock clock;
  async::ManualCore core{clock};
  store::MemoryStore store;
  std::unique_ptr<Journal> journal = fresh();
};

TEST_F(JournalTest, GroupsStreamsAndEventsSurviveReopening) {
  const auto group = make();
  make_stream(group, "a");
  put(group, "a", {{100, "one"}, {100, "two"}});
  const auto change = [](GroupInfo& info) -> base::Status {
    info.retention_days = 0;
    info.tags["k"] = "v";
    return {};
  };
  ASSERT_TRUE(core.run(journal->update_group(group->info.key, change)).has_value());
  const auto before = journal->find(group->info.key)->info;
  const auto stream = stream_of(group, "a");
  reopen();
  const auto again = journal->find(before.key);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->info, before);
  EXPECT_EQ(stream_of(again, "a"), stream);
  EXPECT_EQ(again->state->stored_bytes.load(), 2 * (3 + kEventOverhead));
  put(again, "a", {{100, "three"}});
  EXPECT_THAT(messages(again, "a"), ElementsAre("one", "two", "three"));
  const auto other = make("other");
  EXPECT_GT(other->info.id, stream.id);
}

TEST_F(JournalTest, NothingIsAnsweredOrShownBeforeItIsSynced) {
  const auto group = make();
  make_stream(group, "a");
  const auto info = stream_of(group, "a");
  store.hold_syncs();
  bool appended = false;
  bool read = false;
  const std::uint64_t seen = group->state->tail.version();
  const auto append = [](Journal& j, GroupPtr g, bool& done) -> async::Task<void> {
    co_await j.append(g, "a", {{1, "x"}});
    done = true;
  };
  const auto look = [](Journal& j, GroupPtr g, std::uint64_t id, bool& done) -> async::Task<void> {
    co_await j.read(g, id, {}, {}, false);
    done = true;
  };
  async::spawn(core, append(*journal, group, appended));
  core.run_ready();
  async::spawn(core, look(*journal, group, info.id, read));
  core.run_ready();
  EXPECT_FALSE(appended);
  EXPECT_FALSE(read);
  EXPECT_EQ(group->state->tail.version(), seen);
  store.release_syncs();
  core.run_ready();
  EXPECT_TRUE(appended);
  EXPECT_TRUE(read);
  EXPECT_GT(group->state->tail.version(), seen);
}

TEST_F(JournalTest, ReadsByTimeAndFromEitherEnd) {
  const auto group = make();
  make_stream(group, "a");
  put(group, "a", {{10, "a"}, {20, "b"}, {20, "c"}});
  put(group, "a", {{15, "late"}, {30, "d"}});
  EXPECT_THAT(messages(group, "a"), ElementsAre("a", "late", "b", "c", "d"));
  EXPECT_THAT(messages(group, "a", {{15, 0}, {30, 0}}), ElementsAre("late", "b", "c"));
  EXPECT_THAT(messages(group, "a", {}, 2), ElementsAre("a", "late"));
  EXPECT_THAT(messages(group, "a", {}, 2, true), ElementsAre("c", "d"));
  EXPECT_THAT(messages(group, "a", {{30, 0}, {20, 0}}), IsEmpty());
  const auto info = stream_of(group, "a");
  EXPECT_EQ(info.first_time_ms, 10U);
  EXPECT_EQ(info.last_time_ms, 30U);
}

TEST_F(JournalTest, StreamsMergeByTimeAndThenByArrival) {
  const auto group = make();
  for (const char* name : {"a", "b", "x"}) make_stream(group, name);
  put(group, "b", {{10, "1"}, {30, "4"}});
  put(group, "a", {{10, "2"}, {20, "3"}});
  put(group, "x", {{30, "5"}});
  EXPECT_THAT(merged(group), ElementsAre("b:1", "a:2", "a:3", "b:4", "x:5"));
  EXPECT_THAT(merged(group, {}, 1), ElementsAre("b:1", "a:2", "a:3", "b:4", "x:5"));
  EXPECT_THAT(merged(group, {.stream_prefix = "a"}, 1), ElementsAre("a:2", "a:3"));
  const std::vector<std::uint64_t> two = {stream_of(group, "a").id, stream_of(group, "x").id};
  EXPECT_THAT(merged(group, {.stream_ids = two}, 1), ElementsAre("a:2", "a:3", "x:5"));
  EXPECT_THAT(merged(group, {.range = {{20, 0}, {30, 0}}}), ElementsAre("a:3"));
}

TEST_F(JournalTest, EventsOfOneMillisecondShareARowAndAreReadOneByOne) {
  const auto group = make();
  for (const char* name : {"a", "b"}) make_stream(group, name);
  put(group, "a", {{10, "1"}, {10, "2"}, {10, "3"}, {11, "7"}});
  put(group, "b", {{10, "4"}, {10, "5"}});
  put(group, "a", {{10, "6"}});
  EXPECT_EQ(keys_of(group, keys::Part::kEvent), 4U);
  EXPECT_EQ(keys_of(group, keys::Part::kIndex), 4U);
  const auto all = ElementsAre("1", "2", "3", "6", "7");
  EXPECT_THAT(messages(group, "a"), all);
  EXPECT_THAT(messages(group, "a", {{10, 2}, {10, 3}}), ElementsAre("2"));
  EXPECT_THAT(messages(group, "a", {{10, 3}}, 1), ElementsAre("3"));
  EXPECT_THAT(messages(group, "a", {{10, 5}}, 1), ElementsAre("6"));
  EXPECT_THAT(messages(group, "a", {{10, 0}, {10, 3}}, 1, true), ElementsAre("2"));
  EXPECT_THAT(messages(group, "a", {}, 4, true), ElementsAre("2", "3", "6", "7"));
  for (const std::size_t limit : {1, 2, 3, 4, 100})
    EXPECT_THAT(merged(group, {}, limit),
                ElementsAre("a:1", "a:2", "a:3", "b:4", "b:5", "a:6", "a:7"))
        << limit;
}

TEST_F(JournalTest, RowsAreBounded) {
  const auto group = make();
  make_stream(group, "a");
  std::vector<NewEvent> many;
  for (int i = 0; i < 250; ++i) many.push_back({10, std::to_string(i)});
  put(group, "a", many);
  EXPECT_EQ(keys_of(group, keys::Part::kEvent), 3U);
  const std::string large(kRowBytesMax, 'x');
  put(group, "a", {{20, large}, {20, large}, {20, "y"}});
  EXPECT_EQ(keys_of(group, keys::Part::kEvent), 3U + 3U);
  EXPECT_EQ(messages(group, "a", {}, 1000).size(), 253U);
  EXPECT_EQ(merged(group, {}, 7).size(), 253U);
}

TEST_F(JournalTest, ManyEventsComeInPagesWithoutGaps) {
  const auto group = make();
  make_stream(group, "a");
  make_stream(group, "b");
  std::vector<NewEvent> many;
  for (std::uint64_t i = 0; i < 2500; ++i) many.push_back({1000 + i / 7, std::to_string(i)});
  put(group, "a", many);
  put(group, "b", many);
  EXPECT_EQ(merged(group, {}, 10'000).size(), 5000U);
  EXPECT_EQ(merged(group, {}, 333).size(), 5000U);
}

TEST_F(JournalTest, ListsStreamsByNameAndByLastEvent) {
  const auto group = make();
  for (const char* name : {"b", "a", "c"}) make_stream(group, name);
  put(group, "a", {{50, "x"}});
  put(group, "b", {{70, "x"}});
  put(group, "a", {{60, "x"}});
  const auto names = [&](StreamQuery query) {
    std::string all;
    for (;;) {
      const auto page = core.run(journal->streams(group, query));
      for (const StreamInfo& stream : page->streams) all += stream.name;
      if (page->next.empty()) return all;
      all += "|";
      query.after = page->next;
    }
  };
  EXPECT_EQ(names({.limit = 2}), "ab|c");
  EXPECT_EQ(names({.descending = true, .limit = 2}), "cb|a");
  EXPECT_EQ(names({.by_last_event = true, .limit = 1}), "c|a|b");
  EXPECT_EQ(names({.by_last_event = true, .descending = true, .limit = 2}), "ba|c");
  EXPECT_EQ(names({.prefix = "b"}), "b");
}

TEST_F(JournalTest, ExpiredEventsAreHiddenAtOnceAndErasedByTheSweep) {
  const auto group = make();
  make_stream(group, "a");
  make_stream(group, "b");
  const std::uint64_t start = now_ms();
  std::vector<NewEvent> many;
  for (std::uint64_t i = 0; i < 1500; ++i) many.push_back({start - 1500 + i, "old"});
  put(group, "a", many);
  put(group, "b", {{start + 1, "old"}, {start + 86'400'000, "new"}});
  const auto one_day = [](GroupInfo& info) -> base::Status {
    info.retention_days = 1;
    return {};
  };
  const auto kept = *core.run(journal->update_group(group->info.key, one_day));
  clock.advance(std::chrono::hours(24) + 2ms);
  EXPECT_THAT(messages(kept, "a"), IsEmpty());
  EXPECT_THAT(merged(kept), ElementsAre("b:new"));
  EXPECT_EQ(keys_of(kept, keys::Part::kEvent), 1502U);
  ASSERT_TRUE(core.run(journal->enforce_retention()).has_value());
  EXPECT_EQ(keys_of(kept, keys::Part::kEvent), 1U);
  EXPECT_EQ(keys_of(kept, keys::Part::kIndex), 1U);
  EXPECT_EQ(kept->state->stored_bytes.load(), 3 + kEventOverhead);
  EXPECT_EQ(stream_of(kept, "a").stored_bytes, 0U);
  EXPECT_EQ(stream_of(kept, "b").first_time_ms, start + 86'400'000);
}

TEST_F(JournalTest, ADeletedStreamIsGoneAtOnceAndErasedLaterEvenAfterACrash) {
  const auto group = make();
  make_stream(group, "a");
  make_stream(group, "b");
  put(group, "a", {{1, "x"}, {2, "y"}});
  put(group, "b", {{1, "z"}});
  ASSERT_TRUE(core.run(journal->remove_stream(group, "a")).has_value());
  EXPECT_THAT(merged(group), ElementsAre("b:z"));
  EXPECT_FALSE(core.run(journal->append(group, "a", {{1, "x"}})).has_value());
  EXPECT_EQ(group->state->stored_bytes.load(), 1 + kEventOverhead);
  make_stream(group, "a");
  EXPECT_THAT(messages(group, "a"), IsEmpty());
  reopen();
  const auto again = journal->find(group->info.key);
  ASSERT_TRUE(core.run(journal->purge_deleted()).has_value());
  EXPECT_EQ(keys_of(again, keys::Part::kEvent), 1U);
  EXPECT_EQ(keys_of(again, keys::Part::kIndex), 1U);
  EXPECT_EQ(keys_of(again, keys::Part::kDoomed), 0U);
}

TEST_F(JournalTest, ADeletedGroupLeavesNothing) {
  const auto group = make();
  make_stream(group, "a");
  put(group, "a", {{1, "x"}});
  ASSERT_TRUE(core.run(journal->remove_group(group->info.key)).has_value());
  EXPECT_EQ(journal->find(group->info.key), nullptr);
  for (const keys::Part part : keys::kParts) EXPECT_EQ(keys_of(group, part), 0U);
  // Who still holds the group can do nothing with it.
  EXPECT_FALSE(core.run(journal->append(group, "a", {{1, "x"}})).has_value());
  EXPECT_FALSE(core.run(journal->create_stream(group, "b")).has_value());
  const auto again = make();
  EXPECT_NE(again->info.id, group->info.id);
  EXPECT_FALSE(core.run(journal->find_stream(again, "a")).has_value());
}

TEST_F(JournalTest, ProtectedGroupsStay) {
  const GroupKey key{"000000000000", "us-east-1", "g"};
  ASSERT_TRUE(core.run(journal->create_group(key, {.deletion_protected = true})).has_value());
  EXPECT_EQ(core.run(journal->remove_group(key)).error().code, base::ErrorCode::kConflict);
  EXPECT_EQ(core.run(journal->create_group(key, {})).error().code, base::ErrorCode::kAlreadyExists);
}

TEST_F(JournalTest, ConcurrentAppendsKeepTheirOrderAndShareASync) {
  const auto group = make();
  make_stream(group, "a");
  std::vector<async::Task<base::Result<Appended>>> appends;
  for (int i = 0; i < 20; ++i)
    appends.push_back(journal->append(group, "a", {{5, std::to_string(i)}}));
  for (const auto& done : core.run(async::when_all(std::move(appends))))
    EXPECT_TRUE(done.has_value());
  const auto found = messages(group, "a");
  ASSERT_EQ(found.size(), 20U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(found[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(JournalTest, TheSweepRunsInTheBackgroundAndStops) {
  const auto group = make();
  make_stream(group, "a");
  put(group, "a", {{1, "x"}});
  journal->start();
  ASSERT_TRUE(core.run(journal->remove_stream(group, "a")).has_value());
  core.run_ready();
  EXPECT_EQ(keys_of(group, keys::Part::kEvent), 0U);
  core.run(journal->stop());
}

}  // namespace
}  // namespace journal
