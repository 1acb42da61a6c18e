#include "wal/journal.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "base/digest.h"
#include "base/log.h"
#include "wal/journal_impl.h"

namespace wal {

namespace {
// A sync of larger groups takes its time from the data itself, whatever blocks they go to.
constexpr std::uint64_t kSmallGroupBytes = 128 << 10;
}  // namespace

std::string frame(std::string_view payload) {
  std::string framed;
  framed.reserve(kRecordHeaderBytes + payload.size() + kRecordAlignment);
  framed.resize(kRecordHeaderBytes, '\0');
  framed.append(payload);
  return framed;
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Journal::~Journal() {
  const base::Status closed = close();
  // Why it had stopped was logged then.
  if (!closed && !impl_->failure)
    base::log_error("closing the journal: {}", closed.error().message);
}

base::Result<std::unique_ptr<Journal>> Journal::open(io::Files& files, base::Random& random,
                                                     const base::Clock& clock,
                                                     JournalOptions options, ReplayStart start,
                                                     const Visitor& visit) {
  auto impl = std::make_unique<Impl>(files, random, clock, std::move(options));
  RETURN_IF_ERROR(impl->recover(start, visit));
  impl->writer = std::thread([&journal = *impl] { journal.run(); });
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

base::Status Journal::close() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->work.notify_one();
  if (!impl_->writer.joinable()) return {};
  impl_->writer.join();
  if (impl_->failure) return std::unexpected(impl_->stopped());
  return impl_->seal();
}

base::Result<Appended> Journal::append(std::string framed, std::uint32_t payload_crc) {
  CHECK(framed.size() >= kRecordHeaderBytes);
  const std::uint64_t payload_bytes = framed.size() - kRecordHeaderBytes;
  if (payload_bytes > kRecordBytesMax)
    return base::error(
        base::ErrorCode::kLimit,
        fmt::format("a journal record of {} bytes is over {}", payload_bytes, kRecordBytesMax));
  // The length goes into the header; what is queued is padded as it will be written.
  const std::uint32_t padding =
      static_cast<std::uint32_t>(record_end(0, payload_bytes) - framed.size());
  framed.append(padding, '\0');
  framed[0] = static_cast<char>(padding);

  Appended appended;
  {
    const std::lock_guard lock(impl_->mutex);
    Impl& self = *impl_;
    if (self.failure) return std::unexpected(self.stopped());
    if (self.closing) return base::error(base::ErrorCode::kCancelled, "the journal is closed");
    if (!self.queue.empty() && self.queue_bytes + framed.size() > self.options.queue_bytes_max)
      return base::error(base::ErrorCode::kUnavailable, "the journal's queue is full");
    const bool full = self.tail.offset + framed.size() > self.options.segment_bytes;
    if ((full || self.leave == self.tail.segment) && self.tail.offset > kSegmentHeaderBytes)
      self.tail = {self.tail.segment + 1, kSegmentHeaderBytes};
    const Position record = self.tail;
    self.tail.offset += framed.size();
    appended = {++self.last, {record.segment, record.offset + kRecordHeaderBytes}};
    self.queue_bytes += framed.size();
    ++self.metrics.records;
    self.queue.push_back({std::move(framed), payload_crc, appended.sequence, record});
  }
  impl_->work.notify_one();
  return appended;
}

// Woken by the disk, the writer does not push whoever is handling requests off the processor: what
// they are about to append goes into the next group, and a sync costs as much for one record as for
// thirty. Where a processor is free it makes no difference.
void Journal::Impl::run() {
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  std::vector<Item> group;
  for (;;) {
    {
      std::unique_lock lock(mutex);
      work.wait(lock, [this] { return closing || !queue.empty(); });
      if (queue.empty() || failure) return;
      group.swap(queue);
    }
    const base::Status status = write_group(group);
    finish_group(group, status);
    cached.trim();
    group.clear();
    if (!status) return;
  }
}

base::Status Journal::Impl::write_group(std::vector<Item>& group) {
  std::vector<std::string_view> pieces;
  pieces.reserve(group.size());
  Sequence group_first = group.front().sequence;
  for (std::size_t i = 0; i < group.size();) {
    if (group[i].record.segment != header.segment) {
      RETURN_IF_ERROR(seal());
      RETURN_IF_ERROR(
          create_segment(group[i].record.segment, group[i].sequence, group[i].framed.size()));
      group_first = group[i].sequence;  // sealing has synced what came before
    }
    CHECK(group[i].record.offset == written_end);
    pieces.clear();
    for (; i < group.size() && group[i].record.segment == header.segment; ++i) {
      Item& item = group[i];
      const auto padding = static_cast<unsigned char>(item.framed[0]);
      const RecordHeader record{.payload_bytes = static_cast<std::uint32_t>(
                                    item.framed.size() - kRecordHeaderBytes - padding),
                                .payload_crc = item.payload_crc,
                                .sequence = item.sequence,
                                .group_first = group_first};
      encode_record_header(record, seed, item.framed.data());
      pieces.emplace_back(item.framed);
    }
    const std::uint64_t offset = written_end;
    for (const std::string_view piece : pieces) written_end += piece.size();
    RETURN_IF_ERROR(file->write_at(pieces, offset));
    cached.add(path_of(header.segment), offset, written_end);
  }
  return timed_sync();
}

base::Status Journal::Impl::timed_sync() {
  const base::SteadyTime begin = clock.steady_now();
  const base::Status status = file->sync_data();
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(clock.steady_now() - begin);
  const auto us = static_cast<std::uint64_t>(took.count());
  const std::lock_guard lock(mutex);
  ++metrics.syncs;
  metrics.sync_us_sum += us;
  metrics.sync_us_max = std::max(metrics.sync_us_max, us);
  return status;
}

void Journal::Impl::finish_group(const std::vector<Item>& group, const base::Status& status) {
  std::vector<async::Completion<base::Status>*> done;
  base::Status answer;
  {
    const std::lock_guard lock(mutex);
    auto end = waiters.end();
    if (status) {
      for (const Item& item : group) {
        queue_bytes -= item.framed.size();
        metrics.bytes += item.framed.size();
      }
      ++metrics.groups;
      metrics.group_records_max = std::max<std::uint64_t>(metrics.group_records_max, group.size());
      durable = group.back().sequence;
      durable_end = {header.segment, written_end};
      end = waiters.upper_bound(durable);
    } else {
      failure = status.error();
      queue.clear();
      queue_bytes = 0;
      answer = std::unexpected(stopped());
    }
    for (auto at = waiters.begin(); at != end; ++at) done.push_back(at->second);
    waiters.erase(waiters.begin(), end);
  }
  progress.notify_all();
  if (!status) base::log_error("the journal stops: {}", status.error().message);
  std::vector<async::Resumption> waiting;
  waiting.reserve(done.size());
  for (auto* const completion : done) waiting.push_back(completion->hand_over(answer));
  async::resume_all(std::move(waiting));
}

base::Error Journal::Impl::stopped() const {
  return {failure->code == base::ErrorCode::kNoSpace ? failure->code : base::ErrorCode::kIo,
          "the journal has stopped: " + failure->message};
}

// Room is taken before the header is written and the name made durable, so a segment that has a
// header is whole.
// A spare gets its new header before it gets its new name, for the same reason.
base::Status Journal::Impl::create_segment(std::uint64_t id, Sequence first,
                                           std::uint64_t record_bytes) {
  header = {.segment = id, .first = first, .salt = random.next()};
  seed = record_seed(header);
  file_bytes = std::max(options.segment_bytes, kSegmentHeaderBytes + record_bytes);
  written_end = kSegmentHeaderBytes;
  std::optional<std::string> spare;
  if (file_bytes == options.segment_bytes) spare = spares.take();
  const auto mode = spare ? io::OpenMode::kReadWrite : io::OpenMode::kCreateNew;
  ASSIGN_OR_RETURN(file, files.open(spare.value_or(path_of(id)), mode));
  RETURN_IF_ERROR(file->preallocate(file_bytes));
  RETURN_IF_ERROR(file->write_at(encode_segment_header(header), 0));
  RETURN_IF_ERROR(file->sync_data());
  if (spare) RETURN_IF_ERROR(files.rename(*spare, path_of(id)));
  RETURN_IF_ERROR(files.sync_folder(options.folder));
  const std::lock_guard lock(mutex);
  segments.insert(id);
  reserved = spare ? std::nullopt : std::optional(id);
  return {};
}

// Gives back the unused room and syncs contents and size.
base::Status Journal::Impl::seal() {
  RETURN_IF_ERROR(file->truncate(written_end));
  RETURN_IF_ERROR(file->sync_data());
  file.reset();
  return {};
}

Sequence Journal::last() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->last;
}

ReplayStart Journal::end() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->last + 1, impl_->tail};
}

Sequence Journal::durable_last() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->durable;
}

Position Journal::durable_end() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->durable_end;
}

async::Task<base::Status> Journal::durable(Sequence sequence) {
  async::Completion<base::Status> done;
  {
    const std::lock_guard lock(impl_->mutex);
    if (sequence <= impl_->durable) co_return base::Status();
    if (impl_->failure) co_return std::unexpected(impl_->stopped());
    CHECK(sequence <= impl_->last);
    impl_->waiters.emplace(sequence, &done);
  }
  base::Status status = co_await done;
  co_return status;
}

base::Status Journal::wait_durable(Sequence sequence) {
  std::unique_lock lock(impl_->mutex);
  CHECK(sequence <= impl_->last);
  impl_->progress.wait(lock, [&] { return sequence <= impl_->durable || impl_->failure; });
  if (sequence <= impl_->durable) return {};
  return std::unexpected(impl_->stopped());
}

std::vector<std::uint64_t> Journal::segments() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->segments.begin(), impl_->segments.end()};
}

base::Status Journal::remove_segment(std::uint64_t segment) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->segments.contains(segment) || segment == *impl_->segments.rbegin())
      return base::error(base::ErrorCode::kInvalidArgument,
                         fmt::format("journal segment {} is not a sealed one", segment));
  }
  RETURN_IF_ERROR(impl_->spares.keep_or_remove(impl_->path_of(segment)));
  const std::lock_guard lock(impl_->mutex);
  impl_->segments.erase(segment);
  return {};
}

base::Status Journal::prepare_segment(const std::stop_token& stop) {
  {
    const std::lock_guard lock(impl_->mutex);
    const JournalMetrics& now = impl_->metrics;
    const std::uint64_t groups = now.groups - impl_->looked_at.groups;
    const std::uint64_t bytes = now.bytes - impl_->looked_at.bytes;
    impl_->looked_at = now;
    if (groups == 0 || bytes / groups > kSmallGroupBytes) return {};
  }
  RETURN_IF_ERROR(impl_->spares.prepare(stop));
  if (impl_->spares.count() == 0) return {};
  const std::lock_guard lock(impl_->mutex);
  impl_->leave = impl_->reserved;
  return {};
}

base::Result<std::unique_ptr<io::File>> Journal::open_segment(std::uint64_t segment) const {
  return impl_->files.open(impl_->path_of(segment), io::OpenMode::kRead);
}

JournalMetrics Journal::metrics() const {
  const std::lock_guard lock(impl_->mutex);
  JournalMetrics metrics = impl_->metrics;
  metrics.queue_bytes = impl_->queue_bytes;
  metrics.segments = impl_->segments.size();
  return metrics;
}

}  // namespace wal
