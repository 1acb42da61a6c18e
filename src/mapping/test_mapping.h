#pragma once

// For tests: a mapping over a stream in memory, with a clock and a core that the test owns.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "async/manual_core.h"
#include "async/signal.h"
#include "async/timer.h"
#include "base/encoding.h"
#include "base/time_text.h"
#include "mapping/mappings.h"
#include "store/memory_store.h"

namespace mapping {

using namespace std::chrono_literals;

// A stream in memory: shards by name, records by position.
struct FakeStream {
  struct Shard {
    std::vector<std::string> parents;
    std::vector<SourceRecord> records;
    bool closed = false;
    Position trimmed = 1;
  };
  std::map<std::string, Shard> shards;
  async::Signal changed;

  void put(const std::string& shard, std::string data, base::Timestamp at, std::string key = "k") {
    auto& records = shards[shard].records;
    const Position position = records.size() + 1;
    records.push_back({.position = position,
                       .sequence_number = "4900" + std::to_string(position),
                       .partition_key = std::move(key),
                       .data = std::move(data),
                       .arrival = at});
    changed.notify();
  }
};

class FakeSource final : public RecordSource {
 public:
  explicit FakeSource(FakeStream& stream) : stream_(stream) {}
  async::Task<base::Result<std::vector<SourceShard>>> shards() override {
    std::vector<SourceShard> all;
    for (const auto& [id, shard] : stream_.shards) all.push_back({id, shard.parents});
    co_return all;
  }
  async::Task<base::Result<SourcePage>> read(std::string shard, Position from, std::size_t limit,
                                             std::size_t) override {
    const auto& held = stream_.shards.at(shard);
    SourcePage page;
    from = std::max(from, held.trimmed);
    for (const SourceRecord& record : held.records)
      if (record.position >= from && page.records.size() < limit) page.records.push_back(record);
    const Position next = page.records.empty() ? from : page.records.back().position + 1;
    page.finished = held.closed && next > held.records.size();
    co_return page;
  }
  async::Task<void> wait(std::string, Position, base::SteadyTime deadline,
                         std::stop_token stop) override {
    co_await stream_.changed.wait_past(stream_.changed.version(), deadline, stop);
  }
  async::Task<void> wait_for_shards(base::SteadyTime deadline, std::stop_token stop) override {
    co_await stream_.changed.wait_past(stream_.changed.version(), deadline, stop);
  }
  async::Task<base::Result<Position>> start(std::string shard, StartingPosition where,
                                            base::Timestamp time) override {
    const auto& held = stream_.shards.at(shard);
    if (where == StartingPosition::kTrimHorizon) co_return held.trimmed;
    if (where == StartingPosition::kLatest) co_return held.records.size() + 1;
    for (const SourceRecord& record : held.records)
      if (record.arrival >= time) co_return record.position;
    co_return held.records.size() + 1;
  }
  async::Task<base::Result<SourceRange>> range(std::string shard) override {
    const auto& held = stream_.shards.at(shard);
    co_return SourceRange{
        .first = held.trimmed, .end = held.records.size() + 1, .closed = held.closed};
  }

 private:
  FakeStream& stream_;
};

class MappingTest : public testing::Test, public SourceOpener, public Invoker, public FailureSink {
 protected:
  base::Result<std::unique_ptr<RecordSource>> open(const std::string&,
                                                   const std::string&) override {
    return std::make_unique<FakeSource>(stream);
  }
  async::Task<InvokeResult> invoke(std::string, std::string payload) override {
    std::vector<std::string> data;
    auto event = boost::json::parse(payload);
    for (const auto& record : event.at("Records").as_array())
      data.push_back(*base::from_base64(record.at("kinesis").at("data").as_string()));
    calls.push_back(data);
    events.push_back(std::move(event));
    if (slow) co_await async::sleep_for(slow(data));
    finished.insert(finished.end(), data.begin(), data.end());
    if (function) co_return function(data);
    co_return InvokeResult{};
  }
  void counted(const MappingName& mapping, const EventCounts& seen) override {
    EXPECT_EQ(mapping.id, "m");
    counted_events.polled += seen.polled;
    counted_events.filtered_out += seen.filtered_out;
    counted_events.invoked += seen.invoked;
    counted_events.failed += seen.failed;
    counted_events.dropped += seen.dropped;
    counted_events.delivered += seen.delivered;
  }
  std::string role_arn(const std::string&) override { return "arn:aws:iam::0:role/r"; }
  async::Task<base::Status> deliver(FailureNote note) override {
    if (undeliverable > 0 && undeliverable-- > 0)
      co_return base::error(base::ErrorCode::kPermission, "no");
    documents.push_back(std::move(note.document));
    co_return base::Status();
  }

  static InvokeResult failed() {
    return {.kind = InvokeResult::Kind::kFunctionError, .reason = "boom"};
  }
  Config config() {
    Config made;
    made.id = "m";
    made.function_arn = "arn:f";
    made.event_source_arn = "arn:s";
    made.batch_size = 2;
    return made;
  }
  void start(Config made) {
    mappings = std::make_unique<Mappings>(store, core, *this, *this, *this, clock, random);
    ASSERT_TRUE(core.run(mappings->open()).has_value());
    mappings->start();
    if (!made.id.empty()) {
      ASSERT_TRUE(core.run(mappings->create(made)).has_value());
    }
  }
  void restart() {
    core.run(mappings->stop());
    start(Config{});
  }
  void put(std::initializer_list<const char*> data, const std::string& shard = "s0") {
    for (const char* text : data) stream.put(shard, text, clock.now());
  }
  void put_keyed(std::initializer_list<std::pair<const char*, const char*>> records) {
    for (const auto& [key, data] : records) stream.put("s0", data, clock.now(), key);
  }
  void change(std::function<void(Config&)> how) {
    const auto changed = core.run(mappings->update("m", [&](Config& c) -> base::Status {
      how(c);
      return {};
    }));
    ASSERT_TRUE(changed.has_value());
  }
  Checkpoint checkpoint(const std::string& shard = "s0") {
    const auto kept = core.run(store.get(checkpoint_key("m", shard)));
    return *decode_checkpoint(**kept);
  }
  void TearDown() override {
    if (mappings) core.run(mappings->stop());
  }

  base::ManualClock clock;
  base::SeededRandom random{3};
  async::ManualCore core{clock};
  store::MemoryStore store;
  FakeStream stream;
  std::function<InvokeResult(const std::vector<std::string>&)> function;
  std::function<std::chrono::milliseconds(const std::vector<std::string>&)> slow;
  std::vector<std::vector<std::string>> calls;
  std::vector<boost::json::value> events;
  std::vector<std::string> finished;  // records, in the order in which their calls ended
  std::vector<std::string> documents;
  EventCounts counted_events;
  int undeliverable = 0;
  std::unique_ptr<Mappings> mappings;
};

}  // namespace mapping
