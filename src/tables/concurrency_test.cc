// Many clients on several cores: single keys behave as if one thing happened after the other, and
// transactions are seen whole or not at all. Everything random comes from a seed, which a failure
// names; which thread runs when does not.

#include <gtest/gtest.h>

#include <atomic>

#include "async/asio_core.h"
#include "async/when_all.h"
#include "store/memory_store.h"
#include "tables/expression/compile.h"
#include "tables/tables.h"
#include "tables/test_history.h"

namespace tables {
namespace {

using Kind = Operation::Kind;

constexpr std::size_t kCores = 3;
constexpr std::size_t kClients = 6;
constexpr std::size_t kKeys = 3;
constexpr std::size_t kOperations = 300;  // of each client
constexpr std::int64_t kValues = 4;       // few, so that conditions hold now and then
constexpr std::size_t kAccounts = 5;
constexpr std::int64_t kMoney = 100;  // of each account at first
constexpr std::size_t kTransfers = 100;

expression::Condition condition(std::string_view text, std::map<std::string, Value> values) {
  expression::Scope scope(nullptr, &values);
  return *expression::compile_condition(text, scope);
}

Value number(std::int64_t value) { return Value::of_n(std::to_string(value)); }

Held held_by(const std::optional<Item>& item) {
  if (!item) return std::nullopt;
  return std::stol(item->at("v").n());
}

// A store that knows at once only every other time, and else takes its time: writers find the lock
// held, or nobody in their way.
class Leisurely final : public store::Store, public store::Peeking {
 public:
  async::Task<base::Result<std::optional<std::string>>> get(std::string key) override {
    co_await async::yield();
    auto found = co_await inner_.get(std::move(key));
    co_await async::yield();
    co_return found;
  }
  std::optional<base::Result<std::optional<std::string>>> peek(std::string_view key) override {
    if (peeks_.fetch_add(1) % 2 == 0) return std::nullopt;
    return inner_.peek(key);
  }
  async::Task<base::Result<std::vector<store::KeyValue>>> scan(
      std::string from, std::string to, store::ScanOptions options) override {
    return inner_.scan(std::move(from), std::move(to), options);
  }
  async::Task<base::Result<std::vector<store::LogEntry>>> read_log(
      store::LogId log, std::uint64_t from, store::ReadLogOptions options) override {
    return inner_.read_log(log, from, options);
  }
  async::Task<base::Result<store::LogBounds>> log_bounds(store::LogId log) override {
    return inner_.log_bounds(log);
  }
  base::Result<store::Sequence> submit(store::Batch batch) override {
    return inner_.submit(std::move(batch));
  }
  async::Task<base::Status> durable(store::Sequence sequence) override {
    return inner_.durable(sequence);
  }
  store::Sequence applied() const override { return inner_.applied(); }
  store::Sequence durable_sequence() const override { return inner_.durable_sequence(); }

 private:
  store::MemoryStore inner_;
  std::atomic<std::uint64_t> peeks_ = 0;
};

class ConcurrencyTest : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<async::Core*> cores;
    for (std::size_t i = 0; i < kCores; ++i) cores.push_back(&pool_.core(i));
    tables_ = std::make_unique<Tables>(store_, clock_, random_, Tables::Settings{.cores = cores});
    ASSERT_TRUE(async::wait_for(pool_.core(0), tables_->open()));
    Definition made;
    made.account = "123456789012";
    made.region = "eu-west-1";
    made.name = "things";
    made.keys = {.hash = {"p", Type::kS}, .range = std::nullopt};
    made.attributes = {{"p", Type::kS}};
    made.on_demand = true;
    auto table = async::wait_for(pool_.core(0), tables_->catalogue().create(std::move(made)));
    ASSERT_TRUE(table);
    table_ = *table;
  }
  void TearDown() override { async::wait_for(pool_.core(0), tables_->stop()); }

  static Item key(std::size_t number) { return {{"p", Value::of_s("k" + std::to_string(number))}}; }
  static Item with_value(std::size_t at, std::int64_t value) {
    Item item = key(at);
    item["v"] = number(value);
    return item;
  }
  static Write add(std::size_t at, std::int64_t amount) {
    const std::map<std::string, Value> values = {{":d", number(amount)}};
    expression::Scope scope(nullptr, &values);
    Write write{.kind = Write::Kind::kUpdate, .item = key(at)};
    write.update = *expression::compile_update("ADD v :d", scope);
    return write;
  }

  // Runs a task on each core's share of the clients, all side by side.
  template <class Client>
  void run_clients(Client client) {
    std::vector<async::Task<bool>> all;
    for (std::size_t i = 0; i < kClients; ++i)
      all.push_back(async::run_on(pool_.core(i % kCores), client(i)));
    for (const bool done : async::wait_for(pool_.core(0), async::when_all(std::move(all))))
      EXPECT_TRUE(done);
  }

  std::uint64_t tick() { return ticks_.fetch_add(1); }

  // One random operation on a key, with its answer.
  async::Task<std::optional<Operation>> operate(base::Random& random, std::size_t at) {
    Operation operation{.kind = static_cast<Kind>(random.below(5)),
                        .argument = static_cast<std::int64_t>(random.below(kValues))};
    Write write{.kind = Write::Kind::kPut, .item = with_value(at, operation.argument)};
    if (operation.kind == Kind::kAdd) write = add(at, operation.argument);
    if (operation.kind == Kind::kPutIfAbsent)
      write.condition = condition("attribute_not_exists(p)", {});
    if (operation.kind == Kind::kDeleteIf) {
      write = {.kind = Write::Kind::kDelete, .item = key(at)};
      write.condition = condition("v = :v", {{":v", number(operation.argument)}});
    }
    operation.called = tick();
    if (operation.kind == Kind::kGet) {
      auto item = co_await tables_->reader().get(table_, key(at));
      if (!item) co_return std::nullopt;
      operation.answer = held_by(*item);
    } else {
      auto written = co_await tables_->writer().write(table_, std::move(write));
      const bool failed = !written && written.error().code == "ConditionalCheckFailedException";
      if (!written && !failed) co_return std::nullopt;
      operation.applied = !failed;
      if (written)
        operation.answer =
            held_by(operation.kind == Kind::kAdd ? written->after.copy() : written->before.copy());
    }
    operation.answered = tick();
    co_return operation;
  }

  async::Task<bool> use_keys(std::uint64_t seed, std::vector<std::vector<Operation>>& histories) {
    base::SeededRandom random(seed);
    for (std::size_t i = 0; i < kOperations; ++i) {
      const std::size_t at = random.below(kKeys);
      const auto operation = co_await operate(random, at);
      if (!operation) co_return false;
      histories[at].push_back(*operation);
    }
    co_return true;
  }

  // Takes from one account what it gives to another, unless that has too little.
  async::Task<bool> transfer(base::Random& random) {
    const std::size_t from = random.below(kAccounts);
    const std::size_t to = (from + 1 + random.below(kAccounts - 1)) % kAccounts;
    const auto amount = static_cast<std::int64_t>(random.below(kMoney));
    std::vector<TableWrite> writes;
    writes.push_back({table_, add(from, -amount)});
    writes.back().write.condition = condition("v >= :a", {{":a", number(amount)}});
    writes.push_back({table_, add(to, amount)});
    const auto done = co_await tables_->writer().transact(std::move(writes), std::nullopt);
    co_return done || done.error().code == "TransactionCanceledException";
  }

  // All accounts at one moment.
  async::Task<bool> audit() {
    std::vector<Writer::TableKey> all;
    for (std::size_t i = 0; i < kAccounts; ++i) all.push_back({table_, key(i)});
    const auto items = co_await tables_->writer().transact_get(std::move(all));
    if (!items) co_return false;
    std::int64_t sum = 0;
    bool sound = true;
    for (const auto& item : *items) {
      const std::int64_t money = held_by(item).value_or(-1);
      sound = sound && money >= 0;
      sum += money;
    }
    co_return sound&& sum == static_cast<std::int64_t>(kAccounts) * kMoney;
  }

  async::Task<bool> trade(std::uint64_t seed) {
    base::SeededRandom random(seed);
    bool sound = true;
    for (std::size_t i = 0; i < kTransfers && sound; ++i) {
      if (random.below(4) == 0) sound = co_await audit();
      else sound = co_await transfer(random);
    }
    co_return sound;
  }

  base::SystemClock clock_;
  base::SeededRandom random_{1};
  async::CorePool pool_{kCores};
  Leisurely store_;
  std::unique_ptr<Tables> tables_;
  TablePtr table_;
  std::atomic<std::uint64_t> ticks_ = 0;
};

TEST_F(ConcurrencyTest, SingleKeysAreLinearizable) {
  const std::uint64_t seed = base::SystemRandom().below(1'000'000);
  SCOPED_TRACE("seed " + std::to_string(seed));
  // By client, so that no two write to one vector.
  std::vector<std::vector<std::vector<Operation>>> told(kClients,
                                                        std::vector<std::vector<Operation>>(kKeys));
  run_clients([&](std::size_t client) { return use_keys(seed + client, told[client]); });
  for (std::size_t at = 0; at < kKeys; ++at) {
    std::vector<Operation> history;
    for (const auto& of_client : told)
      history.insert(history.end(), of_client[at].begin(), of_client[at].end());
    EXPECT_TRUE(HistoryCheck(std::move(history)).linearizable()) << "key " << at;
  }
}

TEST_F(ConcurrencyTest, TransfersKeepTheSumAndAreSeenWhole) {
  const std::uint64_t seed = base::SystemRandom().below(1'000'000);
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::size_t i = 0; i < kAccounts; ++i)
    ASSERT_TRUE(async::wait_for(
        pool_.core(0), tables_->writer().write(
                           table_, {.kind = Write::Kind::kPut, .item = with_value(i, kMoney)})));
  run_clients([&](std::size_t client) { return trade(seed + client); });
  EXPECT_TRUE(async::wait_for(pool_.core(0), audit()));
}

// --- the checker itself --------------------------------------------------------------------------

Operation made(Kind kind, std::int64_t argument, Held answer, std::uint64_t called,
               std::uint64_t answered) {
  return {
      .kind = kind, .argument = argument, .answer = answer, .called = called, .answered = answered};
}

TEST(HistoryCheck, TakesWhatCanHaveHappenedInSomeOrder) {
  // The read overlaps both puts and saw the one that was called last.
  EXPECT_TRUE(HistoryCheck({made(Kind::kPut, 1, Held(), 0, 5), made(Kind::kPut, 2, Held(1), 1, 6),
                            made(Kind::kGet, 0, Held(2), 2, 7), made(Kind::kAdd, 3, Held(5), 8, 9)})
                  .linearizable());
  EXPECT_TRUE(HistoryCheck({}).linearizable());
}

TEST(HistoryCheck, RefusesStaleReadsLostUpdatesAndAnswersFromTheFuture) {
  // A read that began after the put was answered does not see it.
  EXPECT_FALSE(HistoryCheck({made(Kind::kPut, 1, Held(), 0, 1), made(Kind::kGet, 0, Held(), 2, 3)})
                   .linearizable());
  // Two increments that both saw the same.
  EXPECT_FALSE(
      HistoryCheck({made(Kind::kAdd, 1, Held(1), 0, 3), made(Kind::kAdd, 1, Held(1), 1, 2)})
          .linearizable());
  // A read that was answered before the put was called sees it.
  EXPECT_FALSE(HistoryCheck({made(Kind::kGet, 0, Held(1), 0, 1), made(Kind::kPut, 1, Held(), 2, 3)})
                   .linearizable());
  // New, then old again.
  EXPECT_FALSE(HistoryCheck({made(Kind::kPut, 1, Held(), 0, 9), made(Kind::kGet, 0, Held(1), 1, 2),
                             made(Kind::kGet, 0, Held(), 3, 4)})
                   .linearizable());
}

TEST(HistoryCheck, KnowsConditions) {
  Operation refused = made(Kind::kPutIfAbsent, 2, Held(), 2, 3);
  refused.applied = false;
  const auto put = made(Kind::kPut, 1, Held(), 0, 1);
  const auto removed = made(Kind::kDeleteIf, 1, Held(1), 4, 5);
  EXPECT_TRUE(HistoryCheck({put, refused, removed}).linearizable());
  EXPECT_FALSE(HistoryCheck({refused, removed}).linearizable());
}

}  // namespace
}  // namespace tables
