#pragma once

// Journal: opaque records, appended in order and made durable in groups.
//
// append() gives a record its sequence and its place in the segment files at once and queues it; a
// writer thread takes whatever has queued up during its last sync, writes it, syncs once and
// completes everybody who waits. There is no delay to wait for company: an idle journal syncs each
// record by itself, a busy one hundreds at a time.
//
// Records live in segments, files of `segment_bytes` that are preallocated, so that a sync has no
// sizes to write. All but the newest are sealed: synced, cut at their end and never written again.
// Old ones are removed as wholes by remove_segment().
//
// open() replays from a given place. What a crash left half-written at the end of the newest
// segment was never acknowledged and is cut off. Damage before the durable end is kCorruption and
// nothing is changed: it shows by a bad record in a sealed segment, or by a later record that says
// the bad one had been synced. (Damage to the last group of all, after a crash, cannot be told from
// a torn write.)
//
// After a failed write or sync the journal stops: what was not durable by then fails, and so does
// every later append(). Only opening it again tells what survived.
//
// Owned by the store; all functions are thread-safe except open(), close() and the destructor.
// Completions resume on the cores they were awaited on.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/files.h"
#include "wal/format.h"

namespace wal {

struct JournalOptions {
  std::string folder;
  // A segment's size; one record that is larger gets a segment of its own.
  std::uint64_t segment_bytes = 64U << 20U;
  // Old segments that are kept to be written again.
  std::size_t spares_max = 2;
  // Appended and not yet written; append() refuses more with kUnavailable.
  std::uint64_t queue_bytes_max = 64U << 20U;
  // The newest of what is written, for which the system may use memory (cached_tail.h).
  std::uint64_t cached_bytes_max = 128U << 20U;
};

// Where a replay begins: `next` is the sequence of the first record to replay, and `position` the
// place where it is or will be. {1, {0, 0}} is the beginning of everything.
struct ReplayStart {
  Sequence next = 1;
  Position position;
};

struct Appended {
  Sequence sequence = 0;
  Position payload;  // the first byte of the payload
};

struct JournalMetrics {
  std::uint64_t records = 0;  // appended since open()
  std::uint64_t bytes = 0;    // written, headers included
  std::uint64_t groups = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_us_sum = 0;
  std::uint64_t sync_us_max = 0;
  std::uint64_t group_records_max = 0;
  std::uint64_t queue_bytes = 0;  // now
  std::uint64_t segments = 0;     // now
  std::uint64_t replayed = 0;     // by open()
  std::uint64_t cut_bytes = 0;    // torn tail that open() cut off
};

class Journal {
 public:
  using Visitor =
      std::function<base::Status(Sequence sequence, Position payload, std::string_view bytes)>;

  // Reads every durable record from `start` on into `visit`, then accepts appends. All arguments
  // but `options`, `start` and `visit` outlive the journal.
  static base::Result<std::unique_ptr<Journal>> open(io::Files& files, base::Random& random,
                                                     const base::Clock& clock,
                                                     JournalOptions options, ReplayStart start,
                                                     const Visitor& visit);
  // As close(); what fails is lost.
  ~Journal();
  // Writes what is queued, stops the writer and cuts the newest segment at its end. Idempotent.
  base::Status close();

  // `framed` is kRecordHeaderBytes of room, which the journal fills, and then the payload, of at
  // most kRecordBytesMax. `payload_crc` is base::crc32c of the payload. kLimit: too large;
  // kUnavailable: the queue is full; kIo: the journal has stopped.
  base::Result<Appended> append(std::string framed, std::uint32_t payload_crc);

  // The newest record's sequence, durable or not; 0: none ever.
  Sequence last() const;
  // Where the next record will go unless it opens a new segment.
  ReplayStart end() const;
  // Every record up to this is durable.
  Sequence durable_last() const;
  // Everything below this place is durable.
  Position durable_end() const;

  // Waits until `sequence`, which append() has answered, is durable. kIo or kNoSpace if it never
  // will be.
  async::Task<base::Status> durable(Sequence sequence);
  // The same for a thread that may block.
  base::Status wait_durable(Sequence sequence);

  // Ids of the segments there are, ascending; the last is the newest.
  std::vector<std::uint64_t> segments() const;
  // A sealed segment's file goes, or waits to become a new one; kInvalidArgument for the newest.
  base::Status remove_segment(std::uint64_t segment);
  // Makes a file for the next segment ahead of time if the groups written lately were small enough
  // for it to pay; goes on in it at once where the newest segment lies on blocks that are only
  // reserved. For a thread that may block for as long as it takes to write one.
  base::Status prepare_segment(const std::stop_token& stop);
  // Opens a segment for reading. kNotFound if it has been removed.
  base::Result<std::unique_ptr<io::File>> open_segment(std::uint64_t segment) const;

  JournalMetrics metrics() const;

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// A record without its header yet: room for it, then `payload`.
std::string frame(std::string_view payload);

}  // namespace wal
