#pragma once

// The journal's insides, shared by journal.cc (appending and writing) and recovery.cc (opening).

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "async/completion.h"
#include "wal/cached_tail.h"
#include "wal/journal.h"
#include "wal/spares.h"

namespace wal {

struct Journal::Impl {
  struct Item {
    std::string framed;
    std::uint32_t payload_crc = 0;
    Sequence sequence = 0;
    Position record;
  };

  Impl(io::Files& files_, base::Random& random_, const base::Clock& clock_, JournalOptions options_)
      : files(files_),
        random(random_),
        clock(clock_),
        options(std::move(options_)),
        spares(files, options.folder, options.segment_bytes, options.spares_max),
        cached(files, options.cached_bytes_max) {}

  std::string path_of(std::uint64_t segment) const {
    return options.folder + "/" + segment_name(segment);
  }

  // recovery.cc; before the writer runs.
  base::Status recover(ReplayStart start, const Visitor& visit);
  base::Result<std::vector<std::uint64_t>> find_segments(ReplayStart start);
  base::Status check_chain(const std::vector<std::uint64_t>& ids, ReplayStart start);
  base::Result<bool> is_unused(std::uint64_t segment);
  base::Status replay_segment(std::uint64_t id, ReplayStart start, const Visitor& visit);
  base::Status adopt_newest(std::unique_ptr<io::File> newest, const SegmentHeader& header,
                            std::uint64_t end, std::uint64_t used_end);

  // The writer's; also used by recovery before it runs.
  base::Status create_segment(std::uint64_t id, Sequence first, std::uint64_t record_bytes);
  base::Status seal();
  base::Status write_group(std::vector<Item>& group);
  base::Status timed_sync();
  void run();
  void finish_group(const std::vector<Item>& group, const base::Status& status);

  base::Error stopped() const;  // under `mutex`, after a failure

  io::Files& files;
  base::Random& random;
  const base::Clock& clock;
  const JournalOptions options;
  Spares spares;

  mutable std::mutex mutex;
  std::condition_variable work;      // for the writer: something is queued, or closing
  std::condition_variable progress;  // for wait_durable()
  // Guarded by `mutex`:
  std::vector<Item> queue;
  std::uint64_t queue_bytes = 0;
  Sequence last = 0;
  Position tail;
  Sequence durable = 0;
  Position durable_end;
  bool closing = false;
  std::optional<base::Error> failure;
  std::multimap<Sequence, async::Completion<base::Status>*> waiters;
  std::set<std::uint64_t> segments;
  JournalMetrics metrics;
  JournalMetrics looked_at;  // when prepare_segment() last judged them
  // The newest segment, if its blocks are only reserved and not all written before.
  std::optional<std::uint64_t> reserved;
  // The segment that is to be left although there is room in it: a spare waits that is faster.
  std::optional<std::uint64_t> leave;

  // Touched only by recovery, then the writer, then close():
  std::unique_ptr<io::File> file;
  SegmentHeader header;
  std::uint32_t seed = 0;
  std::uint64_t written_end = 0;
  std::uint64_t file_bytes = 0;
  CachedTail cached;
  std::thread writer;
};

}  // namespace wal
