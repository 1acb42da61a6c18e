// Following shards, with a stream that is played.

#include "client/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "async/manual_core.h"

namespace client {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace k = api::kinesis;

const base::Timestamp kStart = base::from_epoch_ms(1'800'000'000'000);

// A stream in memory. Iterators are "<shard>@<index>".
class PlayedStream final : public Caller {
 public:
  struct Shard {
    std::vector<std::string> parents;
    std::vector<std::string> records;  // a record's sequence number is its shard's number and index
    bool closed = false;
    std::size_t page = 100;
  };
  std::map<std::string, Shard> shards;
  std::map<std::string, int> reads;
  std::vector<std::string> iterator_types;
  std::vector<Failure> failures;  // each GetRecords takes one, while there are any
  std::function<void(const std::string& shard)> before_read;

  static std::string sequence(const std::string& shard, std::size_t index) {
    return shard + fmt_index(index);
  }

 private:
  static std::string fmt_index(std::size_t index) { return std::to_string(1000 + index); }

  async::Task<Answer<void>> send(const api::Operation& operation, const void* input,
                                 void* output) override {
    if (&operation == &k::op::ListShards::info()) list(*static_cast<k::ListShardsOutput*>(output));
    if (&operation == &k::op::GetShardIterator::info())
      co_return iterator(*static_cast<const k::GetShardIteratorInput*>(input),
                         *static_cast<k::GetShardIteratorOutput*>(output));
    if (&operation == &k::op::GetRecords::info())
      co_return read(*static_cast<const k::GetRecordsInput*>(input),
                     *static_cast<k::GetRecordsOutput*>(output));
    co_return Answer<void>();
  }

  void list(k::ListShardsOutput& output) {
    output.shards.emplace();
    for (const auto& [id, shard] : shards) {
      k::Shard& made = output.shards->emplace_back();
      made.shard_id = id;
      if (!shard.parents.empty()) made.parent_shard_id = shard.parents[0];
      if (shard.parents.size() > 1) made.adjacent_parent_shard_id = shard.parents[1];
      made.sequence_number_range.emplace().starting_sequence_number = sequence(id, 0);
      if (shard.closed) made.sequence_number_range->ending_sequence_number = id + "9999";
    }
  }

  Answer<void> iterator(const k::GetShardIteratorInput& input, k::GetShardIteratorOutput& output) {
    const Shard& shard = shards.at(*input.shard_id);
    iterator_types.push_back(*input.shard_iterator_type);
    std::size_t index = 0;
    if (*input.shard_iterator_type == "LATEST") index = shard.records.size();
    if (input.starting_sequence_number) {
      const std::string& number = *input.starting_sequence_number;
      if (!number.starts_with(*input.shard_id))
        return std::unexpected(Failure{.code = "InvalidArgumentException", .status = 400});
      index = std::stoul(number.substr(input.shard_id->size())) - 1000;
      if (*input.shard_iterator_type == "AFTER_SEQUENCE_NUMBER") ++index;
    }
    output.shard_iterator = *input.shard_id + "@" + std::to_string(index);
    return {};
  }

  Answer<void> read(const k::GetRecordsInput& input, k::GetRecordsOutput& output) {
    const std::string& it = *input.shard_iterator;
    const std::string id = it.substr(0, it.find('@'));
    if (before_read) before_read(id);
    ++reads[id];
    if (!failures.empty()) {
      const Failure failure = failures.back();
      failures.pop_back();
      return std::unexpected(failure);
    }
    const Shard& shard = shards.at(id);
    std::size_t at = std::stoul(it.substr(it.find('@') + 1));
    output.records.emplace();
    const std::size_t page = std::min<std::size_t>(shard.page, input.limit.value_or(100));
    for (std::size_t n = 0; n < page && at < shard.records.size(); ++n, ++at) {
      k::Record& record = output.records->emplace_back();
      record.data = shard.records[at];
      record.sequence_number = sequence(id, at);
      record.approximate_arrival_timestamp = kStart;
    }
    output.millis_behind_latest = at < shard.records.size() ? 1000 : 0;
    if (!shard.closed || at < shard.records.size()) {
      output.next_shard_iterator = id + "@" + std::to_string(at);
      return {};
    }
    output.child_shards.emplace();
    for (const auto& [child, about] : shards) {
      if (std::ranges::find(about.parents, id) == about.parents.end()) continue;
      k::ChildShard& made = output.child_shards->emplace_back();
      made.shard_id = child;
      made.parent_shards = about.parents;
    }
    return {};
  }
};

class Seen final : public FollowSink {
 public:
  bool take(const std::string& shard, const std::vector<k::Record>& records) override {
    for (const k::Record& record : records) data.push_back(shard + ":" + *record.data);
    return data.size() < enough;
  }
  void note(std::string line) override { notes.push_back(std::move(line)); }

  std::vector<std::string> data;
  std::vector<std::string> notes;
  std::size_t enough = 1'000'000;
};

class Follow : public testing::Test {
 protected:
  Answer<void> run(FollowOptions options) {
    options.stream = "s";
    return core_.run(
        follow({stream_, random_, stop_.get_token()}, std::move(options), seen_, clock_));
  }
  // Splits 1 into 2 and 3, and merges those into 4.
  void play_a_split_and_a_merge() {
    stream_.shards["1"] = {.parents = {}, .records = {"a", "b"}, .closed = true};
    stream_.shards["2"] = {.parents = {"1"}, .records = {"c"}, .closed = true};
    stream_.shards["3"] = {.parents = {"1"}, .records = {"d", "e", "f"}, .closed = true, .page = 1};
    stream_.shards["4"] = {.parents = {"2", "3"}, .records = {"g"}};
  }

  base::ManualClock clock_{kStart};
  async::ManualCore core_{clock_};
  base::SeededRandom random_{1};
  std::stop_source stop_;
  PlayedStream stream_;
  Seen seen_;
};

TEST_F(Follow, ReadsParentsBeforeTheirChildrenAndEndsWithWhatIsThere) {
  play_a_split_and_a_merge();
  ASSERT_TRUE(run({}));
  EXPECT_THAT(seen_.data, ElementsAre("1:a", "1:b", "2:c", "3:d", "3:e", "3:f", "4:g"));
  EXPECT_THAT(seen_.notes, IsEmpty());
}

TEST_F(Follow, GoesOnInShardsThatAreMadeMeanwhile) {
  stream_.shards["1"] = {.parents = {}, .records = {"old"}};
  stream_.before_read = [this](const std::string& shard) {
    if (shard == "1" && stream_.reads["1"] == 3) {
      stream_.shards["1"].records.push_back("new");
      stream_.shards["1"].closed = true;
      stream_.shards["2"] = {.parents = {"1"}, .records = {"left"}};
      stream_.shards["3"] = {.parents = {"1"}, .records = {"right"}};
    }
  };
  seen_.enough = 3;
  ASSERT_TRUE(run({.from = {.kind = From::Kind::kLatest}, .follow = true}));
  EXPECT_THAT(seen_.data, ElementsAre("1:new", "2:left", "3:right"));
  EXPECT_THAT(seen_.notes,
              ElementsAre("following 1 shard of s", "1 has ended; it goes on in 2 and 3"));
  EXPECT_THAT(stream_.iterator_types, ElementsAre("LATEST", "TRIM_HORIZON", "TRIM_HORIZON"));
}

TEST_F(Follow, LatestPassesOverWhatIsClosed) {
  play_a_split_and_a_merge();
  ASSERT_TRUE(run({.from = {.kind = From::Kind::kLatest}}));
  EXPECT_THAT(seen_.data, IsEmpty());
  EXPECT_EQ(stream_.reads.size(), 1U);
}

TEST_F(Follow, AsksASilentShardNoMoreThanItMay) {
  stream_.shards["1"] = {};
  stream_.before_read = [this](const std::string&) {
    if (clock_.now() >= kStart + 10s) stop_.request_stop();
  };
  ASSERT_TRUE(run({.follow = true}));
  EXPECT_LE(stream_.reads["1"], 27);
  EXPECT_GE(stream_.reads["1"], 25);
}

TEST_F(Follow, OneShardIsReadWithoutItsParentsAndChildren) {
  play_a_split_and_a_merge();
  ASSERT_TRUE(run({.shard = "3", .follow = true}));
  EXPECT_THAT(seen_.data, ElementsAre("3:d", "3:e", "3:f"));
  const auto unknown = run({.shard = "7"});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("has no shard 7"));
}

TEST_F(Follow, ASequenceNumberFindsItsShardAndGivesTheOthersItsTime) {
  play_a_split_and_a_merge();
  FollowOptions options;
  options.from = {.kind = From::Kind::kSequence, .sequence = PlayedStream::sequence("3", 1)};
  ASSERT_TRUE(run(options));
  EXPECT_THAT(seen_.data, Contains("3:e"));
  EXPECT_THAT(seen_.data, Not(Contains("3:d")));
  EXPECT_THAT(stream_.iterator_types, Contains("AT_TIMESTAMP").Times(3));
  options.from.sequence = "51000";
  EXPECT_FALSE(run(options));
}

TEST_F(Follow, TriesAgainWhatPassesAndLosesNothing) {
  stream_.shards["1"] = {.parents = {}, .records = {"a", "b"}, .page = 1};
  const Failure throttled{
      .code = "ProvisionedThroughputExceededException", .status = 400, .passing = true};
  stream_.failures.assign(5, throttled);
  ASSERT_TRUE(run({}));
  EXPECT_THAT(seen_.data, ElementsAre("1:a", "1:b"));
  EXPECT_THAT(seen_.notes, ElementsAre(HasSubstr("trying again")));
}

TEST_F(Follow, SaysWhenTheServerWasAwayAndIsBack) {
  stream_.shards["1"] = {.parents = {}, .records = {"a"}};
  stream_.failures.assign(3, Failure{.message = "refused", .passing = true, .unreachable = true});
  ASSERT_TRUE(run({}));
  EXPECT_THAT(seen_.notes, ElementsAre("refused; trying again", "reached again"));
}

TEST_F(Follow, AnExpiredIteratorIsMadeAnewBehindTheLastRecord) {
  stream_.shards["1"] = {.parents = {}, .records = {"a", "b"}, .page = 1};
  stream_.before_read = [this](const std::string&) {
    if (stream_.reads["1"] == 1)
      stream_.failures = {Failure{.code = "ExpiredIteratorException", .status = 400}};
  };
  ASSERT_TRUE(run({}));
  EXPECT_THAT(seen_.data, ElementsAre("1:a", "1:b"));
  EXPECT_THAT(stream_.iterator_types, ElementsAre("TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER"));
}

TEST_F(Follow, EndsWithWhatWillNeverWorkAndAfterItsPatience) {
  stream_.shards["1"] = {};
  stream_.failures = {Failure{.code = "ResourceNotFoundException", .status = 400}};
  const auto gone = run({.follow = true});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, "ResourceNotFoundException");
  stream_.failures.assign(1000,
                          Failure{.message = "refused", .passing = true, .unreachable = true});
  const auto begun = core_.now();
  ASSERT_FALSE(run({.follow = true, .give_up_after = 20s}));
  EXPECT_LT(core_.now() - begun, 30s);
}

}  // namespace
}  // namespace client
