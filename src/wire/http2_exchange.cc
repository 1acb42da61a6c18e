// A stream's way through the engine: request, handler, answer.

#include "base/log.h"
#include "wire/http2_engine.h"
#include "wire/http2_session.h"
#include "wire/http_grammar.h"
#include "wire/overload.h"

namespace wire {
namespace {

using async::Task;

constexpr std::size_t kHeaderOverheadBytes = 32;      // as HTTP/2 counts a header list's size
constexpr std::size_t kStreamedBytesMax = 64 * 1024;  // of a streamed body not yet sent
constexpr std::size_t kControlFramesMax = 2000;
constexpr std::chrono::seconds kControlWindow{10};

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

class Http2BodyWriter final : public BodyWriter {
 public:
  Http2BodyWriter(Http2Engine& engine, Http2Stream& stream) : engine_(engine), stream_(stream) {}

  Task<bool> write(std::string bytes) override {
    if (stream_.closed) co_return false;
    if (bytes.empty()) co_return true;
    if (stream_.body.empty()) {
      engine_.start_transfer(stream_);
      stream_.body = std::move(bytes);
    } else {
      stream_.body += bytes;
    }
    nghttp2_session_resume_data(engine_.session_, stream_.id);
    engine_.set_read_deadline();
    engine_.output_.set();
    while (!stream_.closed && stream_.body.size() > kStreamedBytesMax) co_await stream_.drained;
    co_return !stream_.closed;
  }
  Task<bool> drained() override {
    while (!stream_.closed && !stream_.body.empty()) co_await stream_.drained;
    co_return !stream_.closed;
  }
  std::stop_token stop_token() const override { return stream_.stop->get_token(); }

 private:
  Http2Engine& engine_;
  Http2Stream& stream_;
};

void Http2Engine::begin(std::int32_t id) {
  // Handlers of streams that were cancelled count too: cancelling must not buy more of them.
  if (finishing_ || handlers_running_ >= limits().http2_streams_max) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    return;
  }
  auto stream = std::make_shared<Http2Stream>(id, facts_.shared().budget);
  stream->started = facts_.in({});
  stream->deadline = stream->started + limits().header_timeout;
  nghttp2_session_set_stream_user_data(session_, id, stream.get());
  streams_.emplace(id, std::move(stream));
}

int Http2Engine::add_header(Http2Stream& stream, std::string_view name, std::string_view value) {
  HttpRequest& request = stream.request;
  stream.header_bytes += name.size() + value.size() + kHeaderOverheadBytes;
  if (stream.header_bytes > limits().header_bytes_max ||
      request.headers.size() >= limits().header_count_max)
    stream.refused = 431;
  if (stream.refused != 0) return 0;
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    const auto question = value.find('?');
    request.path = value.substr(0, question);
    if (question != std::string_view::npos) request.query = value.substr(question + 1);
    if (!request.path.starts_with('/') && request.path != "*") stream.refused = 400;
  } else if (name == ":authority") {
    request.headers.insert(request.headers.begin(), {"host", std::string(value)});
  } else if (name == "host" && request.find("host") != nullptr) {
    // Where both are sent they have to agree.
    if (*request.find("host") != value) stream.refused = 400;
  } else if (name == "cookie" && request.find("cookie") != nullptr) {
    for (auto& header : request.headers)
      if (header.name == "cookie") header.value.append("; ").append(value);
  } else if (!name.starts_with(':')) {
    if (name == "content-length") stream.content_length = parse_content_length(value);
    request.headers.push_back({std::string(name), std::string(value)});
  }
  return 0;
}

void Http2Engine::headers_complete(Http2Stream& stream, bool whole_request) {
  if (stream.request.method == "CONNECT") stream.refused = 400;
  const std::uint64_t announced = stream.content_length.value_or(0);
  if (stream.refused == 0 && announced > limits().body_bytes_max) stream.refused = 413;
  if (stream.refused == 0 && !stream.share.grow_to(announced)) stream.refused = 503;
  if (stream.refused != 0) return refuse(stream, stream.refused);
  if (whole_request) return dispatch(stream);
  stream.started = facts_.in({});
  stream.deadline = facts_.transfer_deadline(stream.started, 0);
}

void Http2Engine::add_data(Http2Stream& stream, std::string_view data) {
  if (stream.dispatched) return;
  const std::size_t grown = stream.request.body.size() + data.size();
  if (grown > limits().body_bytes_max) return refuse(stream, 413);
  if (!stream.share.grow_to(grown)) return refuse(stream, 503);
  stream.request.body.append(data);
  stream.deadline = facts_.transfer_deadline(stream.started, grown);
}

void Http2Engine::dispatch(Http2Stream& stream) {
  if (std::exchange(stream.dispatched, true)) return;
  stream.deadline = base::SteadyTime::max();
  facts_.shared().requests_total.fetch_add(1, std::memory_order_relaxed);
  ++handlers_running_;
  async::spawn(facts_.shelf.core, handlers_, handle(streams_.at(stream.id)));
}

void Http2Engine::refuse(Http2Stream& stream, int status) {
  stream.refused = status;
  stream.dispatched = true;
  stream.request.body = {};
  facts_.shared().requests_refused.fetch_add(1, std::memory_order_relaxed);
  const std::string* const type = stream.request.find("content-type");
  HttpResponse response = status == 503 && type != nullptr ? overloaded(*type) : refusal(status);
  submit(stream, response, true);
}

Task<void> Http2Engine::handle(StreamPointer stream) {
  // The callback that dispatched must have returned before the answer is submitted.
  co_await async::yield();
  HttpRequest request = std::move(stream->request);
  request.http2 = true;
  request.secure = facts_.secure;
  request.peer_address = facts_.peer_address;
  const bool head_only = request.method == "HEAD";
  Answer answer = co_await facts_.answer(request);
  HttpResponse& response = answer.response;
  --handlers_running_;
  if (stream->closed) co_return;
  const bool with_body = !head_only && status_has_body(response.status);
  const bool streamed = with_body && response.stream;
  stream->streaming = streamed;
  stream->answer_share = std::move(answer.share);
  if (streamed) stream->patient_until = response.patient_until;
  submit(*stream, response, with_body);
  set_read_deadline();
  output_.set();
  if (streamed) co_await stream_body(stream, std::move(response.stream));
}

void Http2Engine::submit(Http2Stream& stream, HttpResponse& response, bool with_body) {
  const std::string status = std::to_string(response.status);
  const std::string length = std::to_string(response.body.size());
  std::vector<std::string> names;  // HTTP/2 knows only lower case
  names.reserve(response.headers.size());
  std::vector<nghttp2_nv> fields{pair_of(":status", status)};
  bool dated = false;
  bool sized = !status_has_body(response.status) || response.stream;
  for (const auto& [name, value] : response.headers) {
    const auto& lower = names.emplace_back(to_lower(name));
    const bool given_length = lower == "content-length" && (response.stream || !with_body);
    if (is_connection_header(lower) && !given_length) continue;
    dated |= lower == "date";
    sized |= given_length;
    fields.push_back(pair_of(lower, value));
  }
  if (!dated) fields.push_back(pair_of("date", facts_.date()));
  if (!sized) fields.push_back(pair_of("content-length", length));

  stream.ended = !stream.streaming;
  if (with_body && !stream.streaming) stream.body = std::move(response.body);
  stream.sent = stream.moved = 0;
  stream.started = facts_.in({});
  if (stream.ended) stream.deadline = facts_.transfer_deadline(stream.started, 0);
  const bool no_body = !with_body || (stream.ended && stream.body.empty());
  const auto provider = answer_provider();
  const int outcome = nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(),
                                              no_body ? nullptr : &provider);
  if (outcome != 0) reset(stream, NGHTTP2_INTERNAL_ERROR);
}

Task<void> Http2Engine::stream_body(StreamPointer stream, StreamedBody body) {
  stream->stop.emplace();
  if (finishing_) stream->stop->request_stop();
  Http2BodyWriter writer(*this, *stream);
  bool failed = false;
  try {
    co_await body(writer);
  } catch (const std::exception& problem) {
    base::log_error("http: a streamed body failed: {}", problem.what());
    failed = true;
  } catch (...) {
    base::log_error("http: a streamed body failed");
    failed = true;
  }
  co_await async::on(facts_.shelf.core);
  if (stream->closed) co_return;
  if (failed) {
    reset(*stream, NGHTTP2_INTERNAL_ERROR);
  } else {
    stream->ended = true;
    if (stream->body.empty()) start_transfer(*stream);
    nghttp2_session_resume_data(session_, stream->id);
  }
  set_read_deadline();
  output_.set();
}

void Http2Engine::start_transfer(Http2Stream& stream) {
  stream.started = facts_.in({});
  stream.moved = 0;
  set_transfer_deadline(stream);
}

void Http2Engine::set_transfer_deadline(Http2Stream& stream) {
  stream.deadline =
      std::max(facts_.transfer_deadline(stream.started, stream.moved), stream.patient_until);
}

void Http2Engine::reset(Http2Stream& stream, std::uint32_t error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, error);
}

void Http2Engine::closed(std::int32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const StreamPointer stream = std::move(found->second);
  streams_.erase(found);
  nghttp2_session_set_stream_user_data(session_, id, nullptr);
  stream->closed = true;
  if (stream->stop) stream->stop->request_stop();
  stream->drained.set();
  if (finishing_) output_.set();
}

void Http2Engine::count_control_frame() {
  const auto now = facts_.in({});
  if (now - control_window_ > kControlWindow) {
    control_window_ = now;
    control_frames_ = 0;
  }
  if (++control_frames_ > kControlFramesMax)
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

}  // namespace wire
