// What the embedded store promises over crashes: a disk that loses and tears what was not synced,
// against MemoryStore as the model; and a real process that is killed while it writes.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "async/asio_core.h"
#include "async/manual_core.h"
#include "base/encoding.h"
#include "io/faulty_files.h"
#include "io/real_files.h"
#include "store/embedded_store.h"
#include "store/memory_store.h"
#include "store/test_folder.h"

namespace store {
namespace {

// Draws batches that keep the rules of logs.
class Workload {
 public:
  explicit Workload(base::Random& random) : random_(random) {}

  struct Logs {
    std::map<std::uint64_t, std::uint64_t> next;  // position, by log
    std::uint64_t next_log = 1;
  };

  Batch draw(Logs& logs) {
    Batch batch;
    for (std::uint64_t left = 1 + random_.below(5); left > 0; --left) add(batch, logs);
    return batch;
  }
  std::string key() { return "k" + std::to_string(random_.below(60)); }

 private:
  void add(Batch& batch, Logs& logs) {
    switch (random_.below(10)) {
      case 0:
      case 1:
      case 2: return batch.put(key(), text(400));
      case 3: return batch.erase(key());
      case 4: return batch.erase_range(key(), key());
      default: return add_to_log(batch, logs);
    }
  }
  void add_to_log(Batch& batch, Logs& logs) {
    if (logs.next.size() < 4) logs.next.emplace(logs.next_log++, random_.below(3));
    auto at = std::next(logs.next.begin(), static_cast<long>(random_.below(logs.next.size())));
    const LogId log(at->first);
    const std::uint64_t lot = random_.below(12);
    if (lot == 0) {
      batch.drop(log);
      logs.next.erase(at);
    } else if (lot <= 2) {
      batch.trim(log, random_.below(at->second + 1));
    } else {
      std::vector<std::string> entries(1 + random_.below(6));
      for (std::string& entry : entries) entry = text(random_.below(20) == 0 ? 60'000 : 300);
      at->second += random_.below(2);
      batch.append(log, at->second, entries);
      at->second += entries.size();
    }
  }
  std::string text(std::uint64_t bytes_max) {
    return base::random_text(random_, base::kBase62, random_.below(bytes_max));
  }

  base::Random& random_;
};

class CrashingStoreTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(options_.folder);
    ASSERT_TRUE(files_.make_folder(options_.folder));
    // At first there is no folder whose changes could be lost.
    open();
    store_.reset();
  }
  void open() {
    auto opened = EmbeddedStore::open(options_, files_, pool_, random_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }
  template <class T>
  T run(async::Task<T> task) {
    return core_.run(std::move(task));
  }

  // The model as it was after `sequence` batches.
  std::unique_ptr<MemoryStore> model(Sequence sequence) {
    auto memory = std::make_unique<MemoryStore>();
    for (Sequence i = 0; i < sequence; ++i) CHECK(memory->submit(batches_[i]));
    return memory;
  }

  void expect_same(Store& memory, const Workload::Logs& logs) {
    const auto everything = ScanOptions{.limit = 100'000, .bytes_max = 100U << 20U};
    const auto here = run(store_->scan("", "", everything));
    const auto there = run(memory.scan("", "", everything));
    ASSERT_TRUE(here) << here.error().message;
    ASSERT_EQ(here->size(), there->size());
    for (std::size_t i = 0; i < here->size(); ++i) {
      ASSERT_EQ((*here)[i].key, (*there)[i].key);
      ASSERT_EQ((*here)[i].value, (*there)[i].value);
    }
    for (std::uint64_t log = 1; log < logs.next_log; ++log) expect_same_log(memory, LogId(log));
  }

  void expect_same_log(Store& memory, LogId log) {
    const auto here_bounds = *run(store_->log_bounds(log));
    const auto there_bounds = *run(memory.log_bounds(log));
    ASSERT_EQ(here_bounds.first, there_bounds.first);
    ASSERT_EQ(here_bounds.end, there_bounds.end);
    const std::uint64_t span = there_bounds.end - there_bounds.first;
    const std::uint64_t middle = there_bounds.first + (span == 0 ? 0 : random_.below(span));
    for (const std::uint64_t from : {std::uint64_t{0}, middle}) {
      const ReadLogOptions options{.limit = 1 + random_.below(200),
                                   .bytes_max = random_.below(200'000)};
      const auto here = run(store_->read_log(log, from, options));
      const auto there = run(memory.read_log(log, from, options));
      ASSERT_TRUE(here) << here.error().message;
      ASSERT_EQ(here->size(), there->size());
      for (std::size_t i = 0; i < here->size(); ++i) {
        ASSERT_EQ((*here)[i].position, (*there)[i].position);
        ASSERT_EQ((*here)[i].bytes, (*there)[i].bytes);
      }
    }
  }

  void live(Workload& workload) {
    if (random_.below(4) == 0) files_.fail_syncs(30);
    if (random_.below(4) == 0) files_.fail_writes(30);
    const std::uint64_t count = random_.below(120);
    for (std::uint64_t i = 0; i < count; ++i) {
      Workload::Logs logs = logs_.back();
      const Batch batch = workload.draw(logs);
      const auto sequence = store_->submit(batch);
      // A batch that fails may have reached the journal all the same.
      batches_.push_back(batch);
      logs_.push_back(logs);
      if (!sequence) break;
      ASSERT_EQ(*sequence, batches_.size());
      if (random_.below(10) == 0 && !run(store_->durable(*sequence))) break;
    }
    durable_ = store_->durable_sequence();
    files_.fail_syncs(0);
    files_.fail_writes(0);
  }

  TestFolder folder_;
  base::SeededRandom random_{static_cast<std::uint64_t>(GetParam())};
  io::FaultyFiles files_{random_};
  base::SystemClock clock_;
  base::ManualClock manual_;
  async::ManualCore core_{manual_};
  async::BlockingPool pool_{1};
  EmbeddedOptions options_{.folder = folder_.path() + "/data",
                           .segment_bytes = 32U << 10U,
                           .checkpoint_bytes = 60U << 10U,
                           .block_cache_bytes = 1U << 20U,
                           .write_buffer_bytes = 64U << 10U,
                           .open_segments_max = 3};
  std::vector<Batch> batches_;
  std::vector<Workload::Logs> logs_{1};  // after so many batches
  Sequence durable_ = 0;
  std::unique_ptr<EmbeddedStore> store_;
};

TEST_P(CrashingStoreTest, KeepsWhatWasDurableAndAWholePrefixOfTheRest) {
  Workload workload(random_);
  for (int life = 0; life < 8; ++life) {
    ASSERT_NO_FATAL_FAILURE(open());
    const Sequence found = store_->applied();
    ASSERT_GE(found, durable_);
    ASSERT_LE(found, batches_.size());
    batches_.resize(found);
    logs_.resize(found + 1);
    ASSERT_NO_FATAL_FAILURE(expect_same(*model(found), logs_.back()));
    ASSERT_NO_FATAL_FAILURE(live(workload));
    if (random_.below(4) == 0 && store_->close()) {
      durable_ = batches_.size();
    } else {
      // Later than what live() saw, perhaps; no less.
      files_.crash();
    }
    store_.reset();
  }
}

TEST_P(CrashingStoreTest, NeverFlushesWhatTheJournalLost) {
  open();
  Batch kept;
  kept.put("kept", "v");
  ASSERT_TRUE(run(store_->commit(kept)));
  files_.fail_syncs(1);
  Batch lost;
  lost.put("lost", "v");
  const base::Status status = run(store_->commit(lost));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::ErrorCode::kIo);
  EXPECT_FALSE(store_->submit(lost));
  EXPECT_EQ(*run(store_->get("lost")), "v");
  EXPECT_FALSE(store_->checkpoint());
  EXPECT_FALSE(store_->close());
  files_.fail_syncs(0);
  files_.crash();
  open();
  EXPECT_EQ(*run(store_->get("kept")), "v");
  // The disk may have kept the record all the same; then the journal has it, too.
  EXPECT_EQ((*run(store_->get("lost"))).has_value(), store_->applied() == 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashingStoreTest, testing::Range(1, 6));

// One record of the pipe: what a thread of the child has been told is durable.
struct Acknowledged {
  std::uint64_t thread;
  std::uint64_t position;
};
constexpr std::uint64_t kThreads = 4;

std::string entry_of(std::uint64_t thread, std::uint64_t position) {
  return base::hex(std::to_string(thread * 1'000'003 + position)) +
         std::string(position % 700, '.');
}

void write_for_ever(EmbeddedStore& store, std::uint64_t thread, int pipe) {
  async::AsioCore core;
  core.start();
  const LogId log(thread);
  std::uint64_t position = async::wait_for(core, store.log_bounds(log))->end;
  for (;; ++position) {
    Batch batch;
    batch.append(log, position, {entry_of(thread, position)});
    batch.put("last/" + std::to_string(thread), std::to_string(position));
    if (!async::wait_for(core, store.commit(std::move(batch)))) ::_exit(3);
    const Acknowledged message{thread, position};
    if (::write(pipe, &message, sizeof message) != sizeof message) ::_exit(4);
  }
}

constexpr const char* kFolderVariable = "MILLRACE_TEST_FOLDER";
constexpr int kChildPipe = 3;

EmbeddedOptions killed_options(const std::string& folder) {
  return {.folder = folder,
          .segment_bytes = 256U << 10U,
          .checkpoint_bytes = 512U << 10U,
          .write_buffer_bytes = 64U << 10U};
}

// The process that HasEverythingItAcknowledged starts and kills; by itself it does nothing.
TEST(KilledStore, DISABLED_Child) {
  const char* const folder = ::getenv(kFolderVariable);
  if (folder == nullptr) GTEST_SKIP();
  io::RealFiles files;
  async::BlockingPool pool(1);
  base::SystemRandom random;
  base::SystemClock clock;
  const auto store = EmbeddedStore::open(killed_options(folder), files, pool, random, clock);
  if (!store) ::_exit(2);
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 1; thread <= kThreads; ++thread)
    threads.emplace_back([&, thread] { write_for_ever(**store, thread, kChildPipe); });
  for (std::thread& thread : threads) thread.join();
}

[[noreturn]] void become_child(const std::string& folder, int pipe) {
  ::setenv(kFolderVariable, folder.c_str(), 1);
  if (pipe != kChildPipe) ::dup2(pipe, kChildPipe);
  ::execl("/proc/self/exe", "store_test", "--gtest_also_run_disabled_tests",
          "--gtest_filter=KilledStore.DISABLED_Child", "--gtest_brief=1", nullptr);
  ::_exit(6);
}

// Starts a child, kills it after `count` acknowledgements and answers all of them.
std::vector<Acknowledged> kill_after(const std::string& folder, std::size_t count) {
  int ends[2];
  CHECK(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    become_child(folder, ends[1]);
  }
  ::close(ends[1]);
  std::vector<Acknowledged> all;
  Acknowledged message{};
  while (::read(ends[0], &message, sizeof message) == sizeof message) {
    all.push_back(message);
    if (all.size() == count) ::kill(pid, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  return all;
}

TEST(KilledStore, HasEverythingItAcknowledged) {
  const TestFolder folder;
  const std::string data = folder.path() + "/data";
  base::SeededRandom random(9);
  std::map<std::uint64_t, std::uint64_t> acknowledged;  // last position by thread
  for (int life = 0; life < 8; ++life) {
    for (const Acknowledged& one : kill_after(data, 1 + random.below(1500)))
      acknowledged[one.thread] = one.position;
    io::RealFiles files;
    base::SystemClock clock;
    async::AsioCore core;
    core.start();
    async::BlockingPool pool(1);
    const auto store = EmbeddedStore::open(killed_options(data), files, pool, random, clock);
    ASSERT_TRUE(store) << store.error().message;
    for (const auto& [thread, last] : acknowledged) {
      const auto bounds = *async::wait_for(core, (*store)->log_bounds(LogId(thread)));
      ASSERT_EQ(bounds.first, 0U);
      ASSERT_GT(bounds.end, last);
      std::uint64_t next = 0;
      while (next < bounds.end) {
        const auto page = *async::wait_for(core, (*store)->read_log(LogId(thread), next, {}));
        ASSERT_FALSE(page.empty());
        for (const LogEntry& entry : page) {
          ASSERT_EQ(entry.position, next);
          ASSERT_EQ(entry.bytes, entry_of(thread, next));
          ++next;
        }
      }
      const auto key = *async::wait_for(core, (*store)->get("last/" + std::to_string(thread)));
      ASSERT_EQ(key, std::to_string(bounds.end - 1));
    }
  }
}

}  // namespace
}  // namespace store
