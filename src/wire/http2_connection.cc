#include "wire/http2_connection.h"

#include "base/log.h"
#include "wire/http2_engine.h"
#include "wire/http2_session.h"

namespace wire {
namespace {

using async::Task;

constexpr std::size_t kOutputBytes = 64 * 1024;  // sent with one write
constexpr std::int32_t kStreamWindowBytes = 1 << 20;
constexpr std::int32_t kConnectionWindowBytes = 8 << 20;
constexpr std::chrono::seconds kFarewellTime{2};  // for the peer to close after our last frame

}  // namespace

Http2Connection::Http2Connection(const ConnectionFacts& facts, async::Stream& stream,
                                 InputBuffer input)
    : engine_(std::make_unique<Http2Engine>(facts, stream, std::move(input))) {}
Http2Connection::~Http2Connection() = default;
Task<void> Http2Connection::run() { return engine_->run(); }
void Http2Connection::finish() { engine_->finish(); }
void Http2Connection::cut() { engine_->cut(); }

Http2Engine::Http2Engine(const ConnectionFacts& facts, async::Stream& stream, InputBuffer input)
    : facts_(facts), stream_(stream), input_(std::move(input)), control_window_(facts.in({})) {}
Http2Engine::~Http2Engine() {
  if (session_ != nullptr) nghttp2_session_del(session_);
}

Task<void> Http2Engine::run() {
  if (!start_session()) co_return;
  async::spawn(facts_.shelf.core, write_all());
  co_await read_all();
  reader_ended_ = true;
  output_.set();
  co_await writer_ended_;
  // The connection is over: handlers that still run answer nobody.
  stream_.close();
  while (!streams_.empty()) closed(streams_.begin()->first);
  co_await handlers_.close();
}

bool Http2Engine::start_session() {
  session_ = new_http2_session(*this);
  if (session_ == nullptr) return false;
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits().http2_streams_max},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                             static_cast<std::uint32_t>(limits().header_bytes_max)}};
  if (nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0)
    return false;
  return nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                               kConnectionWindowBytes) == 0;
}

Task<void> Http2Engine::read_all() {
  for (;;) {
    if (!input_.empty()) {
      const bool fine = receive(input_.view());
      input_.consume(input_.size());
      output_.set();
      if (!fine) co_return;
    }
    input_.shrink_if_empty();
    set_read_deadline();
    const auto count = co_await stream_.read_some(input_.prepare());
    if (!count && count.error().code == base::ErrorCode::kTimeout) {
      if (nghttp2_session_want_read(session_) == 0) co_return;
      if (streams_.empty()) {
        nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
        co_return;
      }
      expire_streams();
      output_.set();
      continue;
    }
    if (!count || *count == 0) co_return;
    input_.commit(*count);
  }
}

bool Http2Engine::receive(std::string_view bytes) {
  const auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    base::log_debug("http: {}: {}", facts_.peer_address, nghttp2_strerror(static_cast<int>(taken)));
    if (taken == NGHTTP2_ERR_FLOODED || taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
      nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
  }
  return nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0;
}

std::string Http2Engine::collect_output() {
  std::string bytes;
  while (bytes.size() < kOutputBytes) {
    const std::uint8_t* data = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) {
      if (size < 0) broken_ = true;
      break;
    }
    bytes.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  return bytes;
}

Task<void> Http2Engine::write_all() {
  while (!broken_) {
    const std::string bytes = collect_output();
    if (!bytes.empty()) {
      stream_.set_write_deadline(write_deadline(bytes.size()));
      const auto written = co_await stream_.write(bytes);
      stream_.set_write_deadline(base::SteadyTime::max());
      set_read_deadline();
      if (!written) broken_ = true;
      continue;
    }
    const bool through =
        nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
    if (reader_ended_ || through) break;
    co_await output_;
  }
  if (broken_) {
    stream_.close();
  } else {
    stream_.set_write_deadline(facts_.in(kFarewellTime));
    co_await stream_.shutdown();
    // A reader that still waits for the peer to close does not wait long.
    finishing_ = true;
    if (!reader_ended_) stream_.set_read_deadline(facts_.in(kFarewellTime));
  }
  writer_ended_.set();
}

// A peer whose stream may stand still may also leave the connection unread.
base::SteadyTime Http2Engine::write_deadline(std::size_t bytes) const {
  auto deadline = facts_.transfer_deadline(facts_.in({}), bytes);
  for (const auto& [id, stream] : streams_) deadline = std::max(deadline, stream->patient_until);
  return deadline;
}

// The nearest of the streams' deadlines, or the idle one.
void Http2Engine::set_read_deadline() {
  if (nghttp2_session_want_read(session_) == 0)
    return stream_.set_read_deadline(facts_.in(kFarewellTime));
  auto deadline = base::SteadyTime::max();
  for (const auto& [id, stream] : streams_) deadline = std::min(deadline, stream->deadline);
  if (streams_.empty()) deadline = facts_.in(limits().idle_timeout);
  stream_.set_read_deadline(deadline);
}

void Http2Engine::expire_streams() {
  const auto now = facts_.in({});
  bool any = false;
  for (const auto& [id, stream] : streams_) {
    if (stream->deadline > now) continue;
    stream->deadline = base::SteadyTime::max();
    reset(*stream, NGHTTP2_CANCEL);
    any = true;
  }
  if (any) facts_.shared().requests_refused.fetch_add(1, std::memory_order_relaxed);
}

void Http2Engine::finish() {
  if (std::exchange(finishing_, true)) return;
  if (session_ == nullptr) return stream_.close();
  const auto last = nghttp2_session_get_last_proc_stream_id(session_);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  for (const auto& [id, stream] : streams_)
    if (stream->stop) stream->stop->request_stop();
  output_.set();
}

void Http2Engine::cut() {
  finishing_ = true;
  broken_ = true;
  stream_.close();
  for (const auto& [id, stream] : streams_)
    if (stream->stop) stream->stop->request_stop();
  output_.set();
}

}  // namespace wire
