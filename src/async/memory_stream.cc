#include "async/memory_stream.h"

#include <algorithm>

#include "async/deadline.h"

namespace async {
namespace {

using base::ErrorCode;

// One direction.
struct Pipe {
  std::string bytes;
  bool ended = false;   // the writer is through
  bool broken = false;  // the reader is gone
  Stream::ReadOperation* reader = nullptr;
  Stream::WriteOperation* writer = nullptr;
};

class MemoryStream final : public Stream {
 public:
  MemoryStream(Core& core, MemoryPairOptions options, std::shared_ptr<Pipe> in,
               std::shared_ptr<Pipe> out)
      : core_(core),
        options_(options),
        in_(std::move(in)),
        out_(std::move(out)),
        read_deadline_(core, [this] { read_timed_out(); }),
        write_deadline_(core, [this] { write_timed_out(); }) {}
  ~MemoryStream() override { close(); }

  void set_read_deadline(base::SteadyTime when) override { read_deadline_.set(when); }
  void set_write_deadline(base::SteadyTime when) override { write_deadline_.set(when); }

  Task<void> shutdown() override {
    out_->ended = true;
    settle(*out_);
    co_return;
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    fail(in_->reader, ErrorCode::kCancelled);
    fail(out_->writer, ErrorCode::kCancelled);
    out_->ended = true;
    in_->broken = true;
    settle(*out_);
    settle(*in_);
  }

  std::string peer_address() const override { return "127.0.0.1"; }

 protected:
  void start(ReadOperation& op) override {
    if (closed_) return op.finish(base::error(ErrorCode::kCancelled, "closed"));
    if (read_deadline_.passed()) return op.finish(base::error(ErrorCode::kTimeout, "deadline"));
    CHECK(in_->reader == nullptr);
    in_->reader = &op;
    settle(*in_);
  }

  void start(WriteOperation& op) override {
    if (closed_) return op.finish(base::error(ErrorCode::kCancelled, "closed"));
    if (write_deadline_.passed()) return op.finish(base::error(ErrorCode::kTimeout, "deadline"));
    CHECK(out_->writer == nullptr);
    out_->writer = &op;
    settle(*out_);
  }

 private:
  // Moves bytes as far as both sides allow. Operations finish from the core's queue, as those of
  // sockets do.
  void settle(Pipe& pipe) {
    bool moved = true;
    while (moved) {
      const bool wrote = settle_writer(pipe);
      const bool read = settle_reader(pipe);
      moved = wrote || read;
    }
  }

  bool settle_writer(Pipe& pipe) {
    if (pipe.writer == nullptr) return false;
    if (pipe.broken) {
      fail(pipe.writer, ErrorCode::kIo);
      return false;
    }
    bool moved = false;
    for (auto& piece : pipe.writer->from) {
      const std::size_t room = options_.capacity - std::min(options_.capacity, pipe.bytes.size());
      const std::size_t taken = std::min(room, piece.size());
      pipe.bytes.append(piece.substr(0, taken));
      piece.remove_prefix(taken);
      moved |= taken > 0;
      if (!piece.empty()) return moved;
    }
    finish(pipe.writer, base::Status{});
    return moved;
  }

  bool settle_reader(Pipe& pipe) {
    if (pipe.reader == nullptr || (pipe.bytes.empty() && !pipe.ended)) return false;
    const std::size_t count =
        std::min({pipe.bytes.size(), pipe.reader->into.size(), options_.read_max});
    std::copy_n(pipe.bytes.begin(), count, pipe.reader->into.begin());
    pipe.bytes.erase(0, count);
    finish(pipe.reader, base::Result<std::size_t>(count));
    return count > 0;
  }

  template <class Op, class R>
  void finish(Op*& slot, R result) {
    core_.post([op = std::exchange(slot, nullptr), result = std::move(result)]() mutable {
      op->finish(std::move(result));
    });
  }
  template <class Op>
  void fail(Op*& slot, ErrorCode code) {
    if (slot == nullptr) return;
    if constexpr (std::is_same_v<Op, ReadOperation>)
      finish(slot, base::Result<std::size_t>(base::error(code, "memory stream")));
    else finish(slot, base::Status(base::error(code, "memory stream")));
  }
  void read_timed_out() { fail(in_->reader, ErrorCode::kTimeout); }
  void write_timed_out() { fail(out_->writer, ErrorCode::kTimeout); }

  Core& core_;
  const MemoryPairOptions options_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  Deadline read_deadline_;
  Deadline write_deadline_;
  bool closed_ = false;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_memory_pair(
    Core& core, MemoryPairOptions options) {
  const auto there = std::make_shared<Pipe>();
  const auto back = std::make_shared<Pipe>();
  return {std::make_unique<MemoryStream>(core, options, back, there),
          std::make_unique<MemoryStream>(core, options, there, back)};
}

}  // namespace async
