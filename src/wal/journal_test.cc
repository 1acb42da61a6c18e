#include "wal/journal.h"

#include <gtest/gtest.h>

#include <thread>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "base/digest.h"
#include "io/faulty_files.h"

namespace wal {
namespace {

class JournalTest : public testing::Test {
 protected:
  static constexpr const char* kFolder = "/j";

  base::Result<std::unique_ptr<Journal>> try_open(ReplayStart start = {}) {
    journal_.reset();
    replayed_.clear();
    return Journal::open(
        files_, random_, clock_,
        {.folder = kFolder, .segment_bytes = segment_bytes_, .queue_bytes_max = queue_bytes_max_},
        start, [this](Sequence sequence, Position, std::string_view bytes) {
          EXPECT_EQ(sequence, first_ + replayed_.size());
          replayed_.emplace_back(bytes);
          return base::Status();
        });
  }
  void open(ReplayStart start = {}) {
    first_ = start.next;
    auto opened = try_open(start);
    ASSERT_TRUE(opened) << opened.error().message;
    journal_ = *std::move(opened);
  }
  base::Result<Appended> append(std::string_view payload) {
    return journal_->append(frame(payload), base::crc32c(payload));
  }
  // One group of its own.
  Appended append_durably(std::string_view payload) {
    const auto appended = append(payload);
    EXPECT_TRUE(appended);
    EXPECT_TRUE(journal_->wait_durable(appended->sequence));
    return *appended;
  }
  std::string path(std::uint64_t segment) {
    return std::string(kFolder) + "/" + segment_name(segment);
  }
  std::unique_ptr<io::File> file(std::uint64_t segment) {
    return *files_.open(path(segment), io::OpenMode::kReadWrite);
  }
  std::string contents(std::uint64_t segment) {
    return *io::read_file(files_, path(segment), 1U << 30U);
  }
  void overwrite(std::uint64_t segment, const std::string& bytes) {
    journal_.reset();  // it would cut the file when it closes
    const auto opened = file(segment);
    ASSERT_TRUE(opened->truncate(0));
    ASSERT_TRUE(opened->write_at(bytes, 0));
    ASSERT_TRUE(opened->sync_data());
  }

  base::SeededRandom random_{5};
  io::FaultyFiles files_{random_};
  base::SystemClock clock_;
  std::uint64_t segment_bytes_ = 4096;
  std::uint64_t queue_bytes_max_ = 1U << 20U;
  Sequence first_ = 1;
  std::vector<std::string> replayed_;
  std::unique_ptr<Journal> journal_;
};

using Texts = std::vector<std::string>;

TEST_F(JournalTest, ReplaysWhatWasAppended) {
  open();
  append_durably("one");
  append_durably("");
  append_durably(std::string(10'000, 'x'));
  open();
  EXPECT_EQ(replayed_, (Texts{"one", "", std::string(10'000, 'x')}));
  append_durably("four");
  open();
  EXPECT_EQ(replayed_.size(), 4U);
  EXPECT_EQ(journal_->last(), 4U);
}

TEST_F(JournalTest, AnswersWhereThePayloadWillStand) {
  open();
  for (int i = 1; i <= 200; ++i) {
    const std::string payload(static_cast<std::size_t>(i) * 7, static_cast<char>('a' + i % 26));
    const Appended appended = append_durably(payload);
    std::string back(payload.size(), '\0');
    const auto segment = *journal_->open_segment(appended.payload.segment);
    ASSERT_EQ(*segment->read_at(back, appended.payload.offset), payload.size());
    ASSERT_EQ(back, payload);
    ASSERT_LT(appended.payload, journal_->durable_end());
  }
  EXPECT_GT(journal_->metrics().segments, 10U);
  open();
  EXPECT_EQ(replayed_.size(), 200U);
}

TEST_F(JournalTest, StartsReplayWhereItIsTold) {
  open();
  for (int i = 1; i <= 50; ++i) append_durably(std::to_string(i) + std::string(200, '.'));
  const ReplayStart start = journal_->end();
  EXPECT_EQ(start.next, 51U);
  append_durably("fifty-one");
  open(start);
  EXPECT_EQ(replayed_, Texts{"fifty-one"});
}

TEST_F(JournalTest, SyncsOnceForWhateverQueuedMeanwhile) {
  open();
  files_.hold_syncs();
  const std::uint64_t before = files_.syncs();
  ASSERT_TRUE(append("first"));
  while (files_.syncs() == before) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(append("more"));
  base::ManualClock manual;
  async::ManualCore core(manual);
  std::vector<async::Task<base::Status>> waits;
  for (Sequence i = 1; i <= 21; ++i) waits.push_back(journal_->durable(i));
  files_.release_syncs();
  for (const base::Status& status : core.run(async::when_all(std::move(waits))))
    EXPECT_TRUE(status);
  EXPECT_EQ(files_.syncs() - before, 2U);
  EXPECT_EQ(journal_->metrics().groups, 2U);
  EXPECT_EQ(journal_->metrics().group_records_max, 20U);
}

TEST_F(JournalTest, RefusesMoreThanTheQueueHolds) {
  queue_bytes_max_ = 300;
  open();
  files_.hold_syncs();
  const std::uint64_t before = files_.syncs();
  ASSERT_TRUE(append(std::string(100, 'a')));
  while (files_.syncs() == before) std::this_thread::yield();
  ASSERT_TRUE(append(std::string(100, 'b')));
  EXPECT_EQ(append(std::string(100, 'c')).error().code, base::ErrorCode::kUnavailable);
  files_.release_syncs();
  ASSERT_TRUE(journal_->wait_durable(2));
  EXPECT_TRUE(append(std::string(100, 'c')));
}

TEST_F(JournalTest, StopsForGoodAfterAFailedSync) {
  open();
  append_durably("kept");
  files_.fail_syncs(1);
  const auto appended = append("lost");
  ASSERT_TRUE(appended);
  EXPECT_EQ(journal_->wait_durable(appended->sequence).error().code, base::ErrorCode::kIo);
  files_.fail_syncs(0);
  EXPECT_EQ(append("more").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(journal_->durable_last(), 1U);
  EXPECT_FALSE(journal_->close());
}

TEST_F(JournalTest, SaysThatTheDiskIsFull) {
  open();
  files_.limit_space(4150);
  append_durably("kept");
  ASSERT_TRUE(append(std::string(4050, 'x')));
  EXPECT_EQ(journal_->wait_durable(2).error().code, base::ErrorCode::kNoSpace);
  files_.limit_space(UINT64_MAX);
  open();
  EXPECT_EQ(replayed_, Texts{"kept"});
  append_durably("goes on");
}

TEST_F(JournalTest, CutsATornTailAtEveryByte) {
  open();
  append_durably("kept one");
  append_durably("kept two");
  const std::uint64_t kept = journal_->durable_end().offset;
  append_durably("torn, with a payload of some length");
  const std::uint64_t end = journal_->durable_end().offset;
  ASSERT_TRUE(journal_->close());
  const std::string whole = contents(1);
  for (std::uint64_t cut = kept; cut < end; ++cut) {
    for (const bool zeros : {false, true}) {
      std::string torn = whole.substr(0, cut);
      if (zeros) torn.resize(4096, '\0');
      overwrite(1, torn);
      open();
      const std::size_t padding = 5;
      if (zeros && cut >= end - padding) ASSERT_EQ(replayed_.size(), 3U);
      else if (cut < end - padding) ASSERT_EQ(replayed_.size(), 2U) << cut;
      append_durably("after");
      open();
      ASSERT_EQ(replayed_.back(), "after");
      ASSERT_GE(replayed_.size(), 3U);
    }
  }
}

TEST_F(JournalTest, ReportsEveryFlippedBitBeforeTheLastGroup) {
  open();
  append_durably("kept one");
  append_durably("kept two");
  const std::uint64_t end = journal_->durable_end().offset;
  append_durably("the last group");
  ASSERT_TRUE(journal_->close());
  const std::string whole = contents(1);
  std::uint64_t silent = 0;
  for (std::uint64_t at = kSegmentHeaderBytes; at < end; ++at) {
    overwrite(1, whole);
    files_.flip_bit(path(1), at, static_cast<unsigned>(at % 8));
    const auto opened = try_open();
    if (opened) {
      ++silent;  // padding between records
      EXPECT_EQ(replayed_.size(), 3U);
    } else {
      EXPECT_EQ(opened.error().code, base::ErrorCode::kCorruption);
    }
  }
  EXPECT_EQ(silent, 0U);
}

TEST_F(JournalTest, ReportsADamagedSegmentHeader) {
  open();
  append_durably("kept");
  ASSERT_TRUE(journal_->close());
  files_.flip_bit(path(1), 20, 3);
  EXPECT_EQ(try_open().error().code, base::ErrorCode::kCorruption);
}

TEST_F(JournalTest, ReportsDamageAndGapsInSealedSegments) {
  open();
  while (journal_->metrics().segments < 4) append_durably(std::string(500, 'x'));
  ASSERT_TRUE(journal_->close());
  files_.flip_bit(path(2), contents(2).size() - 10, 0);
  EXPECT_EQ(try_open().error().code, base::ErrorCode::kCorruption);
  files_.flip_bit(path(2), contents(2).size() - 10, 0);
  open();
  ASSERT_TRUE(journal_->close());
  const std::string second = contents(2);
  overwrite(2, second.substr(0, second.size() - 8));
  EXPECT_EQ(try_open().error().code, base::ErrorCode::kCorruption);
  ASSERT_TRUE(files_.remove(path(2)));
  EXPECT_EQ(try_open().error().code, base::ErrorCode::kCorruption);
}

TEST_F(JournalTest, ReportsAMissingJournalAndAMissingCheckpoint) {
  open();
  while (journal_->metrics().segments < 3) append_durably(std::string(500, 'x'));
  const ReplayStart end = journal_->end();
  ASSERT_TRUE(journal_->remove_segment(1));
  EXPECT_EQ(try_open().error().code, base::ErrorCode::kCorruption);
  open(end);
  ASSERT_TRUE(journal_->close());
  for (const char* const name : {"00000000000000000002.journal", "00000000000000000003.journal"})
    ASSERT_TRUE(files_.remove(std::string(kFolder) + "/" + name));
  EXPECT_EQ(try_open(end).error().code, base::ErrorCode::kCorruption);
}

TEST_F(JournalTest, WritesARemovedSegmentAgainAndNeverReadsItsOldRecords) {
  open();
  while (journal_->metrics().segments < 3) append_durably(std::string(500, 'o'));
  const ReplayStart end = journal_->end();
  ASSERT_TRUE(journal_->remove_segment(1));
  EXPECT_TRUE(files_.open(std::string(kFolder) + "/1.spare", io::OpenMode::kRead));
  const std::uint64_t before = journal_->last();
  while (journal_->end().position.segment < 4) append_durably("new");
  EXPECT_FALSE(files_.open(std::string(kFolder) + "/1.spare", io::OpenMode::kRead));
  // Old records still stand behind the first new one.
  EXPECT_NE(contents(4).find("oooo"), std::string::npos);
  const std::uint64_t appended = journal_->last() - before;
  files_.crash();
  open(end);
  EXPECT_EQ(replayed_, Texts(appended, "new"));
  append_durably("after");
  open(end);
  EXPECT_EQ(replayed_.size(), appended + 1);
}

TEST_F(JournalTest, PreparesASegmentOnlyWhereGroupsAreSmall) {
  segment_bytes_ = 1 << 20;
  open();
  append_durably(std::string(300'000, 'l'));
  ASSERT_TRUE(journal_->prepare_segment({}));
  EXPECT_FALSE(files_.open(std::string(kFolder) + "/1.spare", io::OpenMode::kRead));
  append_durably("small");
  ASSERT_TRUE(journal_->prepare_segment({}));
  EXPECT_TRUE(files_.open(std::string(kFolder) + "/1.spare", io::OpenMode::kRead));
}

TEST_F(JournalTest, LeavesReservedBlocksForASpare) {
  open();
  append_durably("one");
  ASSERT_TRUE(journal_->prepare_segment({}));
  append_durably("two");
  EXPECT_EQ(journal_->end().position.segment, 2U);
  ASSERT_TRUE(journal_->prepare_segment({}));
  append_durably("three");
  EXPECT_EQ(journal_->end().position.segment, 2U) << "it lies on blocks that were written before";
  files_.crash();
  open();
  EXPECT_EQ(replayed_, (Texts{"one", "two", "three"}));
  append_durably("four");
  open();
  EXPECT_EQ(replayed_, (Texts{"one", "two", "three", "four"}));
}

TEST_F(JournalTest, LeavesTheSegmentOfAnEarlierLifeToo) {
  open();
  append_durably("one");
  ASSERT_TRUE(journal_->close());
  open();
  append_durably("two");
  EXPECT_EQ(journal_->end().position.segment, 1U);
  ASSERT_TRUE(journal_->prepare_segment({}));
  append_durably("three");
  EXPECT_EQ(journal_->end().position.segment, 2U);
}

TEST_F(JournalTest, ReportsASegmentThatEndsBeforeTheStart) {
  open();
  append_durably("one");
  const ReplayStart start = journal_->end();
  ASSERT_TRUE(journal_->close());
  ASSERT_TRUE(file(1)->truncate(start.position.offset - 8));
  EXPECT_EQ(try_open(start).error().code, base::ErrorCode::kCorruption);
}

TEST_F(JournalTest, ForgetsASegmentThatACrashLeftUnfinished) {
  open();
  append_durably("one");
  ASSERT_TRUE(journal_->close());
  {
    const auto unfinished = *files_.open(path(2), io::OpenMode::kCreateNew);
    ASSERT_TRUE(unfinished->preallocate(4096));
  }
  open();
  EXPECT_EQ(replayed_, Texts{"one"});
  EXPECT_EQ(journal_->segments(), std::vector<std::uint64_t>{1});
}

// A payload cannot pass for a record: whoever wrote it does not know the segment's salt.
TEST_F(JournalTest, IsNotFooledByAPayloadThatLooksLikeRecords) {
  open();
  std::string forged(3 * kRecordHeaderBytes, '\0');
  for (std::size_t i = 0; i < 3; ++i)
    encode_record_header({.payload_bytes = 0, .payload_crc = 0, .sequence = 90, .group_first = 90},
                         record_seed({.segment = 1, .first = 1, .salt = 0}),
                         forged.data() + i * kRecordHeaderBytes);
  append_durably(forged);
  const std::uint64_t end = journal_->durable_end().offset;
  ASSERT_TRUE(journal_->close());
  ASSERT_TRUE(file(1)->truncate(end - 16));
  open();
  EXPECT_EQ(replayed_, Texts());
}

TEST_F(JournalTest, RandomCrashesLoseNothingThatWasDurable) {
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> written;
    Sequence durable = 0;
    base::SeededRandom random(static_cast<std::uint64_t>(round));
    io::FaultyFiles files(random);
    for (int life = 0; life < 12; ++life) {
      std::vector<std::string> found;
      auto opened = Journal::open(files, random, clock_, {.folder = "/j", .segment_bytes = 3000},
                                  {}, [&](Sequence, Position, std::string_view bytes) {
                                    found.emplace_back(bytes);
                                    return base::Status();
                                  });
      ASSERT_TRUE(opened) << opened.error().message << " round " << round << " life " << life;
      Journal& journal = **opened;
      ASSERT_GE(found.size(), durable);
      ASSERT_LE(found.size(), written.size());
      written.resize(found.size());
      ASSERT_EQ(found, written);
      if (random.below(3) == 0) files.fail_writes(20);
      if (random.below(3) == 0) files.fail_syncs(20);
      const std::uint64_t count = random.below(40);
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::string payload(random.below(900), static_cast<char>('a' + random.below(26)));
        const auto appended = journal.append(frame(payload), base::crc32c(payload));
        if (!appended) break;
        written.push_back(payload);
        ASSERT_EQ(appended->sequence, written.size());
        if (random.below(4) == 0 && !journal.wait_durable(appended->sequence)) break;
      }
      files.fail_writes(0);
      files.fail_syncs(0);
      if (random.below(8) == 0 && journal.close()) {
        durable = written.size();
        continue;
      }
      durable = journal.durable_last();
      files.crash();
    }
  }
}

}  // namespace
}  // namespace wal
