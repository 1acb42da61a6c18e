#include "tables/tables.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "store/memory_store.h"
#include "tables/expression/compile.h"

namespace tables {
namespace {

Value s(std::string text) { return Value::of_s(std::move(text)); }
Value n(std::int64_t number) { return Value::of_n(std::to_string(number)); }

class TablesTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { core.run(tables->stop()); }

  void open() {
    tables =
        std::make_unique<Tables>(store, clock, random, Tables::Settings{.cores = {&core, &other}});
    ASSERT_TRUE(run(tables->open()));
  }
  void reopen() {
    core.run(tables->stop());
    open();
  }

  // Two lanes on one thread: the other core's work runs whenever the first one's does.
  template <class T>
  T run(async::Task<T> task) {
    std::optional<T> result;
    async::spawn(core, keep(std::move(task), result));
    while (!result) {
      const bool first = core.run_ready();
      const bool second = other.run_ready();
      CHECK(first || second || result);
    }
    return *std::move(result);
  }
  template <class T>
  static async::Task<void> keep(async::Task<T> task, std::optional<T>& into) {
    auto value = co_await std::move(task);
    into.emplace(std::move(value));
  }
  // Runs what can run without anything becoming durable.
  void pump() {
    bool more = true;
    while (more) {
      more = core.run_ready();
      more = other.run_ready() || more;
    }
  }

  static Definition definition(std::string name) {
    Definition made;
    made.account = "123456789012";
    made.region = "eu-west-1";
    made.name = std::move(name);
    made.keys = {{"p", Type::kS}, KeyAttribute{"c", Type::kN}};
    made.attributes = {{"p", Type::kS}, {"c", Type::kN}, {"g", Type::kS}};
    made.on_demand = true;
    return made;
  }
  static Index by_g() {
    return {.name = "by_g", .global = true, .keys = {{"g", Type::kS}, KeyAttribute{"c", Type::kN}}};
  }
  TableName name_of(std::string name) { return {"123456789012", "eu-west-1", std::move(name)}; }
  TablePtr create(Definition wanted) {
    auto made = run(tables->catalogue().create(std::move(wanted)));
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }

  static Item item(std::string p, std::int64_t c, std::string g = "") {
    Item made = {{"p", s(std::move(p))}, {"c", n(c)}};
    if (!g.empty()) made["g"] = s(std::move(g));
    return made;
  }
  static Write put(Item what) { return {.kind = Write::Kind::kPut, .item = std::move(what)}; }
  static Write add_one(Item key) {
    const std::map<std::string, Value> values = {{":one", n(1)}};
    expression::Scope scope(nullptr, &values);
    Write write{.kind = Write::Kind::kUpdate, .item = std::move(key)};
    write.update = *expression::compile_update("ADD hits :one", scope);
    return write;
  }
  static expression::Condition condition(std::string_view text,
                                         std::map<std::string, Value> values = {}) {
    expression::Scope scope(nullptr, &values);
    return *expression::compile_condition(text, scope);
  }
  std::optional<Item> get(const TablePtr& table, Item key) {
    auto found = run(tables->reader().get(table, std::move(key)));
    EXPECT_TRUE(found);
    return *found;
  }
  Page query(const TablePtr& table, std::string_view index, expression::KeyTests tests,
             ReadOptions options = {}) {
    const auto def = table->definition();
    const Index* const chosen = index.empty() ? nullptr : def->find_index(index);
    const auto wrong = check_query(*def, chosen, tests, options);
    EXPECT_FALSE(wrong) << wrong->message;
    auto page =
        run(tables->reader().query(table, def, chosen, std::move(tests), std::move(options)));
    EXPECT_TRUE(page);
    return *page;
  }
  static expression::KeyTest eq(Value value) {
    return {expression::Operator::kEq, {std::move(value)}};
  }

  base::ManualClock clock;
  base::SeededRandom random{1};
  async::ManualCore core{clock}, other{clock};
  store::MemoryStore store;
  std::unique_ptr<Tables> tables;
};

TEST_F(TablesTest, WhatIsPutIsThereAfterARestart) {
  auto table = create(definition("things"));
  ASSERT_TRUE(run(tables->writer().write(table, put(item("a", 1)))));
  reopen();
  table = tables->catalogue().find(name_of("things"));
  ASSERT_TRUE(table);
  EXPECT_TRUE(get(table, item("a", 1)));
  EXPECT_FALSE(get(table, item("a", 2)));
  EXPECT_EQ(table->counts()[IndexId(0)].items, 1);
  EXPECT_EQ(tables->catalogue().names("123456789012", "eu-west-1", "", 10),
            std::vector<std::string>{"things"});
}

TEST_F(TablesTest, NothingIsAnsweredBeforeItIsDurable) {
  auto table = create(definition("things"));
  store.hold_syncs();
  std::optional<api::Outcome<Written>> written;
  async::spawn(core, keep(tables->writer().write(table, put(item("a", 1))), written));
  pump();
  EXPECT_FALSE(written);
  // A reader that sees the fresh item waits with it; so does a refused condition.
  std::optional<api::Outcome<std::optional<Item>>> seen;
  async::spawn(core, keep(tables->reader().get(table, item("a", 1)), seen));
  Write guarded = put(item("a", 1));
  guarded.condition = condition("attribute_not_exists(p)");
  std::optional<api::Outcome<Written>> refused;
  async::spawn(core, keep(tables->writer().write(table, std::move(guarded)), refused));
  pump();
  EXPECT_FALSE(seen);
  EXPECT_FALSE(refused);
  store.release_syncs();
  pump();
  ASSERT_TRUE(written && seen && refused);
  EXPECT_TRUE(*written);
  EXPECT_TRUE(**seen);
  EXPECT_EQ(refused->error().code, "ConditionalCheckFailedException");
}

TEST_F(TablesTest, AHotCounterSharesItsSyncs) {
  auto table = create(definition("things"));
  store.hold_syncs();
  std::vector<std::optional<api::Outcome<Written>>> done(50);
  for (auto& one : done)
    async::spawn(core, keep(tables->writer().write(table, add_one(item("a", 1))), one));
  pump();
  // All fifty are applied though not one sync has happened.
  store.release_syncs();
  pump();
  for (const auto& one : done) ASSERT_TRUE(one && *one);
  EXPECT_TRUE(equal(get(table, item("a", 1))->at("hits"), n(50)));
}

TEST_F(TablesTest, AFailedSyncFailsTheWrite) {
  auto table = create(definition("things"));
  store.hold_syncs();
  std::optional<api::Outcome<Written>> written;
  async::spawn(core, keep(tables->writer().write(table, put(item("a", 1))), written));
  pump();
  store.fail();
  pump();
  ASSERT_TRUE(written);
  EXPECT_EQ(written->error().status, 500);
}

TEST_F(TablesTest, ConcurrentConditionalWritersWinOnce) {
  auto table = create(definition("things"));
  std::vector<std::optional<api::Outcome<Written>>> done(40);
  for (std::size_t i = 0; i < done.size(); ++i) {
    Write write = put(item("a", std::int64_t(i % 4)));
    write.condition = condition("attribute_not_exists(p)");
    write.old_item_on_failure = true;
    async::spawn(i % 2 == 0 ? static_cast<async::Core&>(core) : other,
                 keep(tables->writer().write(table, std::move(write)), done[i]));
  }
  pump();
  std::size_t won = 0;
  for (const auto& one : done) {
    ASSERT_TRUE(one);
    if (*one) ++won;
    else EXPECT_NE(one->error().detail, nullptr);
  }
  EXPECT_EQ(won, 4U);
}

TEST_F(TablesTest, WritesThatAreReadyTogetherShareABatch) {
  auto table = create(definition("things"));
  const store::Sequence before = store.applied();
  std::vector<std::optional<api::Outcome<Written>>> done(100);
  for (std::size_t i = 0; i < done.size(); ++i)
    async::spawn(core,
                 keep(tables->writer().write(table, put(item("a", std::int64_t(i)))), done[i]));
  pump();
  for (const auto& one : done) ASSERT_TRUE(one && *one);
  EXPECT_EQ(store.applied() - before, 1U);
  EXPECT_EQ(table->counts().at(IndexId(0)).items, 100);
}

TEST_F(TablesTest, AKeyMayBeWrittenOftenInOneBatch) {
  auto table = create(definition("things"));
  const store::Sequence before = store.applied();
  std::vector<std::optional<api::Outcome<Written>>> done(50);
  for (auto& one : done)
    async::spawn(core, keep(tables->writer().write(table, add_one(item("a", 1))), one));
  std::optional<api::Outcome<Written>> refused;
  Write late = put(item("a", 1));
  late.condition = condition("attribute_not_exists(p)");
  async::spawn(core, keep(tables->writer().write(table, std::move(late)), refused));
  pump();
  for (std::size_t i = 0; i < done.size(); ++i) {
    ASSERT_TRUE(done[i] && *done[i]);
    EXPECT_EQ((*done[i])->after->at("hits").n(), std::to_string(i + 1));
    if (i > 0) EXPECT_EQ((*done[i])->before->at("hits").n(), std::to_string(i));
  }
  ASSERT_TRUE(refused);
  EXPECT_FALSE(*refused);
  EXPECT_EQ(store.applied() - before, 1U);
  EXPECT_EQ(table->counts().at(IndexId(0)).items, 1);
}

TEST_F(TablesTest, TransactionsSeeWhatHasJoinedBefore) {
  auto table = create(definition("things"));
  for (int round = 0; round < 20; ++round) {
    std::vector<std::optional<api::Outcome<Written>>> single(5);
    std::vector<std::optional<api::Outcome<std::vector<Written>>>> joint(5);
    for (std::size_t i = 0; i < single.size(); ++i) {
      const Item key = item(std::string(1, char('a' + i)), 1);
      const Item next = item(std::string(1, char('a' + (i + 1) % 5)), 1);
      async::spawn(core, keep(tables->writer().write(table, add_one(key)), single[i]));
      async::spawn(other, keep(tables->writer().transact(
                                   {{table, add_one(key)}, {table, add_one(next)}}, {}),
                               joint[i]));
    }
    pump();
    for (const auto& one : single) ASSERT_TRUE(one && *one);
    for (const auto& one : joint) ASSERT_TRUE(one && *one);
  }
  for (std::size_t i = 0; i < 5; ++i) {
    const Item key = item(std::string(1, char('a' + i)), 1);
    const auto stored = run(tables->reader().get(table, key));
    ASSERT_TRUE(stored && *stored);
    EXPECT_EQ((*stored)->at("hits").n(), "60");
  }
}

TEST_F(TablesTest, IndexesAndCountsFollowRandomWrites) {
  Definition wanted = definition("things");
  wanted.indexes.push_back(by_g());
  wanted.indexes.push_back({.name = "local",
                            .keys = {{"p", Type::kS}, KeyAttribute{"g", Type::kS}},
                            .projection = {Projection::Kind::kKeysOnly, {}}});
  auto table = create(wanted);
  std::map<std::pair<std::string, int>, Item> model;
  for (int i = 0; i < 400; ++i) {
    const std::string p(1, char('a' + random.below(3)));
    const int c = int(random.below(6));
    if (random.below(4) == 0) {
      ASSERT_TRUE(
          run(tables->writer().write(table, {.kind = Write::Kind::kDelete, .item = item(p, c)})));
      model.erase({p, c});
    } else {
      Item fresh =
          item(p, c, random.below(3) == 0 ? "" : std::string(1, char('x' + random.below(3))));
      fresh["pad"] = s(std::string(random.below(20), '.'));
      ASSERT_TRUE(run(tables->writer().write(table, put(fresh))));
      model[{p, c}] = fresh;
    }
  }
  std::int64_t bytes = 0;
  std::map<std::string, std::size_t> by_group;
  for (const auto& [key, one] : model) {
    bytes += std::int64_t(item_size(one));
    if (one.contains("g")) ++by_group[one.at("g").s()];
  }
  EXPECT_EQ(table->counts()[IndexId(0)].items, std::int64_t(model.size()));
  EXPECT_EQ(table->counts()[IndexId(0)].bytes, bytes);
  std::size_t indexed = 0;
  for (const auto& [group, count] : by_group) {
    EXPECT_EQ(query(table, "by_g", {{"g", eq(s(group))}}).count, count);
    indexed += count;
  }
  EXPECT_EQ(table->counts()[IndexId(1)].items, std::int64_t(indexed));
  EXPECT_EQ(table->counts()[IndexId(2)].items, std::int64_t(indexed));
  const auto def = table->definition();
  auto all = run(tables->reader().scan(table, def, def->find_index("local"), {}, {}));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->count, indexed);
  for (const Item& one : all->items) EXPECT_EQ(one.size(), 3U);
  reopen();
  EXPECT_EQ(tables->catalogue().find(name_of("things"))->counts()[IndexId(0)].bytes, bytes);
}

TEST_F(TablesTest, QueriesPageInOrderBothWays) {
  auto table = create(definition("things"));
  for (int c = -5; c <= 5; ++c) ASSERT_TRUE(run(tables->writer().write(table, put(item("a", c)))));
  ASSERT_TRUE(run(tables->writer().write(table, put(item("b", 0)))));
  for (const bool forward : {true, false}) {
    std::vector<std::string> seen;
    ReadOptions options{.limit = 3, .forward = forward};
    do {
      const Page page = query(table, "", {{"p", eq(s("a"))}}, options);
      for (const Item& one : page.items) seen.push_back(one.at("c").n());
      options.start = page.last;
    } while (options.start);
    ASSERT_EQ(seen.size(), 11U);
    EXPECT_EQ(seen.front(), forward ? "-5" : "5");
    EXPECT_EQ(seen.back(), forward ? "5" : "-5");
  }
  const auto count = [&](expression::Operator op, std::vector<Value> values) {
    return query(table, "", {{"p", eq(s("a"))}, {"c", {op, std::move(values)}}}).count;
  };
  EXPECT_EQ(count(expression::Operator::kLt, {n(-3)}), 2U);
  EXPECT_EQ(count(expression::Operator::kLe, {n(-3)}), 3U);
  EXPECT_EQ(count(expression::Operator::kGt, {n(3)}), 2U);
  EXPECT_EQ(count(expression::Operator::kGe, {n(3)}), 3U);
  EXPECT_EQ(count(expression::Operator::kBetween, {n(-1), n(1)}), 3U);
  EXPECT_EQ(count(expression::Operator::kEq, {n(0)}), 1U);
}

TEST_F(TablesTest, SegmentsShareAScan) {
  auto table = create(definition("things"));
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(run(tables->writer().write(table, put(item("p" + std::to_string(i), i)))));
  const auto def = table->definition();
  std::size_t total = 0, largest = 0;
  for (std::size_t segment = 0; segment < 3; ++segment) {
    auto page = run(tables->reader().scan(table, def, nullptr, {segment, 3}, {}));
    ASSERT_TRUE(page);
    total += page->count;
    largest = std::max(largest, page->count);
  }
  EXPECT_EQ(total, 100U);
  EXPECT_LT(largest, 60U);
}

TEST_F(TablesTest, PagesEndAtAMegabyte) {
  auto table = create(definition("things"));
  for (int i = 0; i < 5; ++i) {
    Item large = item("a", i);
    large["text"] = s(std::string(300'000, 'x'));
    ASSERT_TRUE(run(tables->writer().write(table, put(large))));
  }
  const Page page = query(table, "", {{"p", eq(s("a"))}});
  EXPECT_EQ(page.count, 4U);
  ASSERT_TRUE(page.last);
  EXPECT_EQ(query(table, "", {{"p", eq(s("a"))}}, {.start = page.last}).count, 1U);
}

TEST_F(TablesTest, BatchesWriteAllAndKeepCounts) {
  auto table = create(definition("things"));
  std::vector<TableWrite> writes;
  for (int i = 0; i < 25; ++i) writes.push_back({table, put(item("p" + std::to_string(i), i))});
  const auto written = run(tables->writer().write_all(std::move(writes)));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->size(), 25U);
  EXPECT_EQ(table->counts()[IndexId(0)].items, 25);
}

TEST_F(TablesTest, TransactionsAreAllOrNothing) {
  auto table = create(definition("things"));
  auto second = create(definition("others"));
  Write guarded = put(item("b", 1));
  guarded.condition = condition("attribute_exists(p)");
  auto failed = run(tables->writer().transact({{table, put(item("a", 1))}, {second, guarded}}, {}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "TransactionCanceledException");
  EXPECT_EQ(failed.error().message,
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
            "ConditionalCheckFailed]");
  EXPECT_FALSE(get(table, item("a", 1)));
  const Writer::Token token{keys::token("1", "r", "t"), "fingerprint"};
  for (int repeat = 0; repeat < 2; ++repeat)
    ASSERT_TRUE(run(tables->writer().transact(
        {{table, add_one(item("a", 1))}, {second, put(item("b", 1))}}, token)));
  EXPECT_TRUE(equal(get(table, item("a", 1))->at("hits"), n(1)));
  EXPECT_EQ(
      run(tables->writer().transact({{table, put(item("a", 2))}}, Writer::Token{token.key, "x"}))
          .error()
          .code,
      "IdempotentParameterMismatchException");
  EXPECT_EQ(second->counts()[IndexId(0)].items, 1);
}

TEST_F(TablesTest, ConcurrentTransfersKeepTheSum) {
  auto table = create(definition("accounts"));
  for (int i = 0; i < 5; ++i) {
    Item account = item("p" + std::to_string(i), 0);
    account["money"] = n(100);
    ASSERT_TRUE(run(tables->writer().write(table, put(account))));
  }
  const auto transfer = [](int from, int to, std::int64_t amount) {
    const std::map<std::string, Value> values = {{":m", n(amount)}};
    std::vector<Write> both(2);
    for (int side = 0; side < 2; ++side) {
      expression::Scope scope(nullptr, &values);
      both[std::size_t(side)].kind = Write::Kind::kUpdate;
      both[std::size_t(side)].item = item("p" + std::to_string(side == 0 ? from : to), 0);
      both[std::size_t(side)].update = *expression::compile_update(
          side == 0 ? "SET money = money - :m" : "SET money = money + :m", scope);
    }
    both[0].condition = condition("money >= :m", {{":m", n(amount)}});
    return both;
  };
  std::vector<std::optional<api::Outcome<std::vector<Written>>>> done(200);
  for (auto& one : done) {
    const int from = int(random.below(5));
    const int to = (from + 1 + int(random.below(4))) % 5;
    auto both = transfer(from, to, std::int64_t(1 + random.below(60)));
    async::spawn(random.below(2) == 0 ? static_cast<async::Core&>(core) : other,
                 keep(tables->writer().transact({{table, both[0]}, {table, both[1]}}, {}), one));
    if (random.below(3) == 0) pump();
  }
  pump();
  std::int64_t sum = 0;
  for (int i = 0; i < 5; ++i) {
    const std::int64_t money =
        std::stoll(get(table, item("p" + std::to_string(i), 0))->at("money").n());
    EXPECT_GE(money, 0);
    sum += money;
  }
  EXPECT_EQ(sum, 500);
  for (const auto& one : done) EXPECT_TRUE(one);
}

TEST_F(TablesTest, ANewIndexIsFilledWhileWritesGoOn) {
  auto table = create(definition("things"));
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(run(tables->writer().write(table, put(item("a", i, "x")))));
  auto changed = run(tables->catalogue().change(name_of("things"), [](Definition& edited) {
    edited.indexes.push_back(by_g());
    return std::optional<api::Error>();
  }));
  ASSERT_TRUE(changed);
  EXPECT_EQ((*changed)->find_index("by_g")->state, Index::State::kCreating);
  std::vector<std::optional<api::Outcome<Written>>> done(20);
  for (std::size_t i = 0; i < done.size(); ++i)
    async::spawn(
        core, keep(tables->writer().write(table, put(item("b", std::int64_t(i), "x"))), done[i]));
  pump();
  EXPECT_EQ(table->definition()->find_index("by_g")->state, Index::State::kActive);
  EXPECT_EQ(query(table, "by_g", {{"g", eq(s("x"))}}).count, 50U);
  EXPECT_EQ(table->counts()[IndexId(1)].items, 50);
  ASSERT_TRUE(run(tables->catalogue().change(name_of("things"), [](Definition& edited) {
    edited.indexes.clear();
    return std::optional<api::Error>();
  })));
  auto left = run(store.scan(keys::all_entries(table->id()),
                             store::prefix_end(keys::all_entries(table->id())), {}));
  EXPECT_TRUE(left->empty());
}

TEST_F(TablesTest, ADeletedTableLeavesNothing) {
  Definition wanted = definition("things");
  wanted.indexes.push_back(by_g());
  auto table = create(wanted);
  ASSERT_TRUE(run(tables->writer().write(table, put(item("a", 1, "x")))));
  ASSERT_TRUE(run(tables->catalogue().remove(name_of("things"))));
  EXPECT_EQ(run(tables->writer().write(table, put(item("a", 1)))).error().code,
            "ResourceNotFoundException");
  auto left = run(store.scan("T", "U", {}));
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().key, keys::next_table());
  // The same name is a new table.
  auto again = create(wanted);
  EXPECT_NE(again->id(), table->id());
  EXPECT_FALSE(get(again, item("a", 1)));
}

TEST_F(TablesTest, ItemsEndWithTheirTimeToLive) {
  auto table = create(definition("things"));
  const std::int64_t now = base::to_epoch_ms(clock.now()) / 1000;
  const auto ending = [&](std::int64_t c, std::int64_t end) {
    Item made = item("a", c, "x");
    made["ends"] = n(end);
    return put(made);
  };
  ASSERT_TRUE(run(tables->writer().write(table, ending(1, now - 5))));  // from before
  ASSERT_TRUE(run(tables->catalogue().change(name_of("things"), [](Definition& edited) {
    edited.time_to_live = {.enabled = true, .filled = false, .attribute = "ends"};
    edited.indexes.push_back(by_g());
    return std::optional<api::Error>();
  })));
  pump();
  EXPECT_TRUE(table->definition()->time_to_live.filled);
  ASSERT_TRUE(run(tables->writer().write(table, ending(2, now + 100))));
  ASSERT_TRUE(run(tables->writer().write(table, ending(3, now - 10LL * 365 * 86'400))));  // mistake
  ASSERT_TRUE(run(tables->writer().write(table, ending(4, now + 1))));
  ASSERT_TRUE(run(tables->writer().write(table, ending(4, now + 1000))));  // prolonged
  EXPECT_EQ(*run(tables->sweeper().sweep()), 2U);
  EXPECT_FALSE(get(table, item("a", 1)));
  EXPECT_TRUE(get(table, item("a", 2)));
  EXPECT_TRUE(get(table, item("a", 3)));
  clock.advance(std::chrono::seconds(200));
  EXPECT_EQ(*run(tables->sweeper().sweep()), 1U);
  EXPECT_FALSE(get(table, item("a", 2)));
  EXPECT_TRUE(get(table, item("a", 4)));
  EXPECT_EQ(table->counts()[IndexId(0)].items, 2);
  EXPECT_EQ(table->counts()[IndexId(1)].items, 2);
}

TEST_F(TablesTest, DefinitionsComeBackWhole) {
  Definition wanted = definition("things");
  wanted.indexes.push_back(by_g());
  wanted.indexes.back().projection = {Projection::Kind::kInclude, {"x", "y"}};
  wanted.throughput = {5, 7, 1, clock.now(), std::nullopt};
  wanted.tags = {{"k", "v"}, {"empty", ""}};
  wanted.deletion_protection = true;
  wanted.time_to_live = {.enabled = true, .filled = true, .attribute = "expires"};
  const auto again = decode_definition(encode_definition(wanted));
  ASSERT_TRUE(again);
  EXPECT_EQ(encode_definition(*again), encode_definition(wanted));
  EXPECT_EQ(again->indexes[0].projection.attributes, wanted.indexes[0].projection.attributes);
  const std::string bytes = encode_definition(wanted);
  EXPECT_FALSE(decode_definition(bytes.substr(0, bytes.size() - 1)));
}

}  // namespace
}  // namespace tables
