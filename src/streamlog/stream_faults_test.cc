// Streams on a disk that tears, forgets, lies and fills up: what was answered stays, reads go on,
// and what cannot be done says so. The journal lies on FaultyFiles, RocksDB's files on the real
// disk.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "io/faulty_files.h"
#include "store/embedded_store.h"
#include "store/test_folder.h"
#include "streamlog/stream_log.h"

namespace streamlog {
namespace {

using namespace std::chrono_literals;

class StreamFaults : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(options_.folder);
    ASSERT_TRUE(files_.make_folder(options_.folder));
    open();
    ASSERT_TRUE(core_.run(log_->create(kKey, {.shard_count = 2})));
  }
  void TearDown() override { close(); }

  void open() {
    close();
    auto opened = store::EmbeddedStore::open(options_, files_, pool_, salt_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
    log_ = std::make_unique<StreamLog>(
        *store_, core_, [this](std::uint64_t) -> async::Core& { return core_; }, clock_, random_);
    const base::Status loaded = core_.run(log_->open());
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  void close() {
    log_.reset();
    store_.reset();
  }
  void cut_power() {
    files_.crash();
    close();
  }
  void heal() {
    files_.fail_syncs(0);
    files_.fail_writes(0);
    files_.limit_space(UINT64_MAX);
  }

  StreamPtr stream() { return log_->find(kKey); }

  std::string draw_data() {
    std::string data = std::to_string(++sent_count_) + ":";
    data.resize(data.size() + random_.below(random_.below(10) == 0 ? 9000 : 600), 'x');
    sent_.insert(data);
    return data;
  }

  // One request: to one shard, of several records.
  struct Request {
    std::uint32_t shard;
    std::vector<NewRecord> records;
  };
  Request draw_request() {
    std::vector<std::uint32_t> open;
    for (const ShardInfo& shard : stream()->info.shards)
      if (shard.is_open()) open.push_back(shard.index);
    Request request{.shard = open[random_.below(open.size())], .records = {}};
    for (std::uint64_t left = 1 + random_.below(4); left > 0; --left)
      request.records.push_back({"k", draw_data()});
    return request;
  }
  void note(const Request& request, const Appended& appended) {
    Position position = appended.first;
    for (const NewRecord& record : request.records)
      answered_[{request.shard, position++}] = {record.data, appended.arrival};
  }

  // Several requests at once; true if all were answered.
  bool put_together(std::size_t count) {
    std::vector<Request> requests;
    std::vector<async::Task<base::Result<Appended>>> appends;
    for (std::size_t i = 0; i < count; ++i) {
      requests.push_back(draw_request());
      appends.push_back(stream()->shard(requests.back().shard)->append(requests.back().records));
    }
    const auto results = core_.run(async::when_all(std::move(appends)));
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) {
      if (results[i]) note(requests[i], *results[i]);
      else all = false;
    }
    return all;
  }

  bool reshard() {
    const auto done =
        core_.run(log_->reshard(kKey, 1 + static_cast<std::uint32_t>(random_.below(3))));
    if (done)
      for (const ShardInfo& shard : (*done)->info.shards)
        if (!shard.is_open()) closed_[shard.index] = *shard.last;
    return done.has_value();
  }

  std::vector<Record> read_all(const Shard& shard) {
    std::vector<Record> all;
    for (Position from = 0;;) {
      const auto page = core_.run(shard.read(from, 1 + random_.below(20)));
      EXPECT_TRUE(page) << page.error().message;
      if (!page || page->empty()) return all;
      from = page->back().position + 1;
      all.insert(all.end(), page->begin(), page->end());
    }
  }

  // All that was answered is there, once, and nothing that nobody sent.
  void expect_everything() {
    std::set<std::string> seen;
    std::map<std::pair<std::uint32_t, Position>, const Answer*> left;
    for (const auto& [place, answer] : answered_) left.emplace(place, &answer);
    for (const ShardInfo& info : stream()->info.shards) {
      const auto shard = stream()->shard(info.index);
      Position next = 1;
      base::Timestamp arrival{};
      for (const Record& record : read_all(*shard)) {
        ASSERT_EQ(record.position, next++);
        ASSERT_GE(record.arrival, arrival);
        arrival = record.arrival;
        ASSERT_TRUE(sent_.contains(record.data));
        ASSERT_TRUE(seen.insert(record.data).second);
        const auto found = left.find({info.index, record.position});
        if (found == left.end()) continue;
        ASSERT_EQ(record.data, found->second->data);
        ASSERT_EQ(record.arrival, found->second->arrival);
        left.erase(found);
      }
      if (!info.is_open()) ASSERT_EQ(*info.last, next - 1);
    }
    ASSERT_TRUE(left.empty()) << left.size() << " answered records are gone";
    for (const auto& [index, last] : closed_)
      ASSERT_EQ(stream()->info.find_shard(index)->last, last);
    expect_whole_ring();
  }

  void expect_whole_ring() {
    std::map<HashKey, HashKey> ranges;
    for (const ShardInfo& shard : stream()->info.shards)
      if (shard.is_open()) ASSERT_TRUE(ranges.emplace(shard.range.start, shard.range.end).second);
    HashKey next = 0;
    for (const auto& [start, end] : ranges) {
      ASSERT_EQ(start == next, true);
      next = end + 1;
    }
    ASSERT_EQ(next == 0, true);  // past the highest key, round to the first
  }

  // Segments in use; besides them a few spare ones may wait to be written again.
  std::vector<std::string> journal_files() {
    std::vector<std::string> names = *files_.list(options_.folder + "/journal");
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".journal"); });
    return names;
  }

  struct Answer {
    std::string data;
    base::Timestamp arrival;
  };

  const StreamKey kKey{"000000000000", "us-east-1", "s"};
  store::TestFolder folder_;
  base::SeededRandom random_{static_cast<std::uint64_t>(GetParam())};
  // The disk's and the journal's, which have their own threads.
  base::SeededRandom luck_{static_cast<std::uint64_t>(GetParam()) + 100};
  base::SeededRandom salt_{static_cast<std::uint64_t>(GetParam()) + 200};
  io::FaultyFiles files_{luck_};
  base::ManualClock clock_;
  async::ManualCore core_{clock_};
  async::BlockingPool pool_{1};
  store::EmbeddedOptions options_{.folder = folder_.path() + "/data",
                                  .segment_bytes = 32U << 10U,
                                  .checkpoint_bytes = 60U << 10U,
                                  .block_cache_bytes = 1U << 20U,
                                  .write_buffer_bytes = 64U << 10U,
                                  .open_segments_max = 3,
                                  .background = false};
  std::uint64_t sent_count_ = 0;
  std::set<std::string> sent_;
  std::map<std::pair<std::uint32_t, Position>, Answer> answered_;  // by shard and position
  std::map<std::uint32_t, Position> closed_;                       // by answered reshards
  std::unique_ptr<store::EmbeddedStore> store_;
  std::unique_ptr<StreamLog> log_;
};

TEST_P(StreamFaults, LoseNothingAnsweredWhenThePowerIsCut) {
  for (int life = 0; life < 8; ++life) {
    if (random_.below(3) == 0) files_.fail_syncs(20);
    if (random_.below(3) == 0) files_.fail_writes(20);
    for (std::uint64_t left = random_.below(25); left > 0; --left) {
      const bool went = random_.below(8) == 0 ? reshard() : put_together(1 + random_.below(5));
      if (!went) break;
      clock_.advance(std::chrono::milliseconds(random_.below(2000)));
      if (random_.below(6) == 0) (void)store_->checkpoint();  // fails once the journal has
    }
    heal();
    cut_power();
    ASSERT_NO_FATAL_FAILURE(open());
    ASSERT_NO_FATAL_FAILURE(expect_everything());
  }
}

TEST_P(StreamFaults, AnswerNothingThatTheDiskForgets) {
  ASSERT_TRUE(put_together(3));
  files_.hold_syncs();
  async::Gate gate;
  std::size_t refused = 0;
  const auto put = [](Shard& shard, std::vector<NewRecord> records,
                      std::size_t& failures) -> async::Task<void> {
    const auto appended = co_await shard.append(std::move(records));
    if (!appended) ++failures;
  };
  for (int i = 0; i < 6; ++i) {
    Request request = draw_request();
    async::spawn(core_, gate, put(*stream()->shard(request.shard), request.records, refused));
  }
  core_.run_ready();
  EXPECT_EQ(refused, 0U);
  ASSERT_NO_FATAL_FAILURE(expect_everything());  // of the six nothing shows
  files_.crash();
  files_.release_syncs();
  core_.run(gate.close());
  EXPECT_EQ(refused, 6U);
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(expect_everything());
}

TEST_P(StreamFaults, AFailedSyncStopsWritingAndNotReading) {
  ASSERT_TRUE(put_together(5));
  files_.fail_syncs(1);
  EXPECT_FALSE(put_together(3));
  files_.fail_syncs(0);
  const auto refused = core_.run(stream()->shard(0)->append({{"k", draw_data()}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kIo);
  EXPECT_FALSE(core_.run(log_->split(kKey, 0, stream()->info.find_shard(0)->range.end - 9)));
  ASSERT_NO_FATAL_FAILURE(expect_everything());
  cut_power();
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(expect_everything());
  EXPECT_TRUE(put_together(3));
  ASSERT_NO_FATAL_FAILURE(expect_everything());
}

TEST_P(StreamFaults, AFullDiskStopsWritingAndNotReading) {
  files_.limit_space(100U << 10U);
  while (put_together(2)) {
  }
  const auto refused = core_.run(stream()->shard(0)->append({{"k", draw_data()}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kNoSpace);
  EXPECT_GT(answered_.size(), 20U);
  ASSERT_NO_FATAL_FAILURE(expect_everything());
  // Still full when it is started again: nothing is lost, and it goes on as far as there is room.
  close();
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(expect_everything());
  put_together(1);
  heal();
  cut_power();
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_TRUE(put_together(10));
  ASSERT_NO_FATAL_FAILURE(expect_everything());
}

TEST_P(StreamFaults, AFlippedBitSpoilsOnlyWhatWasPutWithIt) {
  const auto shard = stream()->shard(0);
  const std::string mark = "the one with the flipped bit";
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(core_.run(shard->append({{"k", i == 5 ? mark : std::string(2000, 'x')}})));
  ASSERT_GT(journal_files().size(), 2U);
  const std::string first = options_.folder + "/journal/" + journal_files().front();
  const std::string bytes = *io::read_file(files_, first, 1U << 20U);
  ASSERT_NE(bytes.find(mark), std::string::npos);
  files_.flip_bit(first, bytes.find(mark) + 3, 2);
  for (int life = 0; life < 2; ++life) {
    const auto again = stream()->shard(0);
    const auto before = core_.run(again->read(1, 100));
    ASSERT_TRUE(before);
    EXPECT_EQ(before->size(), 5U);  // up to the damage
    const auto damaged = core_.run(again->read(6, 100));
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code, base::ErrorCode::kCorruption);
    const auto behind = core_.run(again->read(7, 100));
    ASSERT_TRUE(behind);
    EXPECT_EQ(behind->size(), 34U);
    EXPECT_TRUE(core_.run(stream()->shard(1)->append({{"k", draw_data()}})));
    // Before the checkpoint nothing is replayed, so it does not keep the server from starting.
    ASSERT_TRUE(store_->checkpoint());
    ASSERT_NO_FATAL_FAILURE(open());
  }
}

TEST_P(StreamFaults, RetentionGivesTheDiskBack) {
  const auto fill = [this] {
    for (int i = 0; i < 60; ++i)
      ASSERT_TRUE(core_.run(stream()->shard(0)->append({{"k", std::string(5000, 'x')}})));
    ASSERT_TRUE(store_->checkpoint());
  };
  fill();
  const std::size_t full = journal_files().size();
  ASSERT_GT(full, 8U);
  clock_.advance(23h);
  ASSERT_TRUE(core_.run(log_->enforce_retention()));
  EXPECT_EQ(*store_->collect_garbage(), 0U);
  clock_.advance(2h);
  ASSERT_TRUE(core_.run(log_->enforce_retention()));
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_GT(*store_->collect_garbage(), 0U);
  EXPECT_LE(journal_files().size(), 2U);
  // A stream that is removed gives its room back, too.
  fill();
  ASSERT_GT(journal_files().size(), 8U);
  ASSERT_TRUE(core_.run(log_->remove(kKey)));
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_GT(*store_->collect_garbage(), 0U);
  EXPECT_LE(journal_files().size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StreamFaults, testing::Range(1, 6));

}  // namespace
}  // namespace streamlog
