#include "wire/http1_connection.h"

#include <fmt/format.h>

#include <iterator>

#include "async/completion.h"
#include "base/log.h"
#include "wire/http1_parser.h"
#include "wire/http_grammar.h"
#include "wire/overload.h"

namespace wire {
namespace {

using async::Task;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t kBodyStepBytes = 64 * 1024;    // a body's memory grows at least by this
constexpr std::size_t kWriteStepBytes = 256 * 1024;  // of an answer, for which the peer has a time
constexpr std::chrono::seconds kLingerTime{2};       // for a refused client to stop sending
constexpr std::size_t kLingerBytes = 4 << 20;
// Of requests that are sent while a streamed answer is under way; beyond it nobody watches.
constexpr std::size_t kAheadBytesMax = 64 * 1024;

// What is left to know about a request once its handler has it.
struct Exchange {
  bool head_only = false;  // HEAD
  bool keep_alive = true;
  int minor_version = 1;
};

// A body in chunks, or as it comes where the length is known or the connection's end is the body's.
class Http1BodyWriter final : public BodyWriter {
 public:
  Http1BodyWriter(const ConnectionFacts& facts, async::Stream& stream, bool chunked,
                  std::optional<std::uint64_t> length, base::SteadyTime patient_until,
                  std::stop_token stop)
      : facts_(facts),
        stream_(stream),
        chunked_(chunked),
        left_(length),
        patient_until_(patient_until),
        stop_(std::move(stop)) {}

  Task<bool> write(std::string bytes) override {
    if (broken_) co_return false;
    if (bytes.empty()) co_return true;
    if (left_ && bytes.size() > *left_) {
      broken_ = true;  // more than was announced: the next answer would drown in it
      co_return false;
    }
    if (left_) *left_ -= bytes.size();
    std::string prefix;
    if (chunked_) {
      fmt::format_to(std::back_inserter(prefix), "{:x}\r\n", bytes.size());
      bytes += "\r\n";
    }
    stream_.set_write_deadline(deadline(bytes.size()));
    const auto written = co_await stream_.write(prefix, bytes);
    stream_.set_write_deadline(base::SteadyTime::max());
    broken_ = !written;
    co_return !broken_;
  }
  // The socket's buffer is the peer's window here, and write() has waited for it.
  Task<bool> drained() override { co_return !broken_; }
  std::stop_token stop_token() const override { return stop_; }

  // True: the peer has the whole body.
  Task<bool> end() {
    if (broken_ || (left_ && *left_ > 0)) co_return false;
    if (!chunked_) co_return true;
    stream_.set_write_deadline(deadline(0));
    const auto written = co_await stream_.write("0\r\n\r\n");
    stream_.set_write_deadline(base::SteadyTime::max());
    co_return written.has_value();
  }

 private:
  base::SteadyTime deadline(std::size_t bytes) const {
    return std::max(facts_.transfer_deadline(facts_.in({}), bytes), patient_until_);
  }

  const ConnectionFacts& facts_;
  async::Stream& stream_;
  const bool chunked_;
  std::optional<std::uint64_t> left_;
  const base::SteadyTime patient_until_;
  std::stop_token stop_;
  bool broken_ = false;
};

// A request's body as it comes: in chunks, or of a known length.
class Http1BodyReader final : public BodyReader {
 public:
  Http1BodyReader(async::Stream& stream, InputBuffer& input, const Framing& framing)
      : stream_(stream),
        input_(input),
        chunked_(framing.chunked),
        left_(framing.content_length.value_or(0)),
        wants_continue_(framing.expects_continue) {}

  Task<std::optional<std::string>> read() override {
    if (std::exchange(wants_continue_, false) && input_.empty()) {
      const auto written = co_await stream_.write(kContinue);
      if (!written) co_return broken();
    }
    stream_.set_read_deadline(base::SteadyTime::max());
    for (;;) {
      if (broken_ || at_end()) co_return broken_ ? broken() : std::string();
      if (std::string piece = take(); !piece.empty()) co_return piece;
      if (broken_ || at_end()) continue;
      const auto count = co_await stream_.read_some(input_.prepare());
      if (!count || *count == 0) co_return broken();
      input_.commit(*count);
    }
  }
  const std::vector<Header>& trailers() const override { return trailers_; }
  // Nothing of it is left in the connection.
  bool whole() const { return !broken_ && at_end(); }

 private:
  std::optional<std::string> broken() {
    broken_ = true;
    return std::nullopt;
  }
  bool at_end() const { return chunked_ ? decoder_.done() : left_ == 0; }

  std::string take() {
    std::string piece;
    if (!chunked_) {
      piece = input_.view().substr(0, left_);
      left_ -= piece.size();
      input_.consume(piece.size());
      return piece;
    }
    while (!input_.empty() && !decoder_.done() && !decoder_.bad()) {
      const auto next = decoder_.next(input_.view());
      piece.append(next.data);
      input_.consume(next.consumed);
    }
    if (decoder_.bad()) broken_ = true;
    if (!decoder_.done()) return piece;
    auto parsed = parse_trailers(decoder_.trailers());
    if (parsed) trailers_ = *std::move(parsed);
    else broken_ = true;
    return piece;
  }

  async::Stream& stream_;
  InputBuffer& input_;
  const bool chunked_;
  std::uint64_t left_;
  bool wants_continue_;
  bool broken_ = false;
  ChunkedDecoder decoder_;
  std::vector<Header> trailers_;
};

}  // namespace

struct Http1Connection::Impl {
  const ConnectionFacts& facts;
  async::Stream& stream;
  InputBuffer input;
  std::string head = {};  // of the answer; kept for its capacity
  bool idle = false;
  bool finishing = false;
  std::optional<std::stop_source> streaming;           // while a streamed body is being written
  std::optional<async::Completion<bool>> watch_ended;  // while the peer is watched

  const HttpLimits& limits() const { return facts.limits(); }

  Task<bool> serve_one();
  Task<bool> serve_upload(Exchange exchange, const Framing& framing, HttpRequest request);
  Task<bool> send_answer(Exchange exchange, Answer& answer);
  Task<int> read_head(HeadScanner& scanner);
  std::optional<int> take_body(const Framing& framing, std::string& body, BodyShare& share);
  Task<int> read_body(const Framing& framing, std::string& body, BodyShare& share);
  Task<int> read_sized_body(std::size_t length, std::string& body);
  Task<int> read_chunked_body(std::string& body, BodyShare& share);
  Task<bool> respond(Exchange exchange, HttpResponse& response);
  Task<bool> respond_streaming(Exchange exchange, HttpResponse& response);
  Task<void> watch_peer();
  Task<void> end_watch();
  Task<bool> write_in_steps(std::string_view body);
  Task<bool> refuse(int status, std::string_view content_type = {});
  Task<void> linger();
  void write_head(const Exchange& exchange, const HttpResponse& response,
                  std::optional<std::uint64_t> length, bool chunked);
};

// Statuses below stand for what to answer; these two for no answer at all.
namespace {
constexpr int kFine = 0;
constexpr int kGone = -1;
}  // namespace

Http1Connection::Http1Connection(const ConnectionFacts& facts, async::Stream& stream,
                                 InputBuffer input)
    : impl_(new Impl{.facts = facts, .stream = stream, .input = std::move(input)}) {}
Http1Connection::~Http1Connection() = default;

Task<void> Http1Connection::run() {
  bool go_on = true;
  while (go_on) go_on = co_await impl_->serve_one();
}

void Http1Connection::finish() {
  impl_->finishing = true;
  if (impl_->idle) impl_->stream.close();
  if (impl_->streaming) impl_->streaming->request_stop();
}

void Http1Connection::cut() {
  impl_->finishing = true;
  impl_->stream.close();
  if (impl_->streaming) impl_->streaming->request_stop();
}

// One request and its answer. False: the connection is through.
Task<bool> Http1Connection::Impl::serve_one() {
  HeadScanner scanner;
  const int read = co_await read_head(scanner);
  if (read == kGone) co_return false;
  if (read != kFine) {
    co_await refuse(read);
    co_return false;
  }
  auto parsed = parse_request_head(input.view().substr(0, scanner.size()),
                                   {limits().header_bytes_max, limits().header_count_max});
  if (!parsed) {
    co_await refuse(parsed.error());
    co_return false;
  }
  input.consume(scanner.size());
  HttpRequest& request = parsed->request;
  const Framing& framing = parsed->framing;
  Exchange exchange{request.method == "HEAD", framing.keep_alive, framing.minor_version};

  request.secure = facts.secure;
  request.peer_address = facts.peer_address;
  if (facts.is_upload(request)) {
    const bool go_on = co_await serve_upload(exchange, framing, std::move(request));
    co_return go_on;
  }
  Answer answer;
  {
    BodyShare share(facts.shared().budget);
    if (framing.chunked || framing.content_length.value_or(0) > 0) {
      std::optional<int> body = take_body(framing, request.body, share);
      if (!body) body = co_await read_body(framing, request.body, share);
      if (body == kGone) co_return false;
      if (body != kFine) {
        const std::string* const type = request.find("content-type");
        co_await refuse(*body, type == nullptr ? std::string_view() : std::string_view(*type));
        co_return false;
      }
    }
    facts.shared().requests_total.fetch_add(1, std::memory_order_relaxed);
    answer = co_await facts.answer(request);
  }
  const bool go_on = co_await send_answer(exchange, answer);
  co_return go_on;
}

Task<bool> Http1Connection::Impl::serve_upload(Exchange exchange, const Framing& framing,
                                               HttpRequest request) {
  Http1BodyReader body(stream, input, framing);
  facts.shared().requests_total.fetch_add(1, std::memory_order_relaxed);
  Answer answer = co_await facts.answer_upload(std::move(request), body);
  if (!body.whole()) exchange.keep_alive = false;
  const bool go_on = co_await send_answer(exchange, answer);
  co_return go_on;
}

Task<bool> Http1Connection::Impl::send_answer(Exchange exchange, Answer& answer) {
  if (finishing) exchange.keep_alive = false;
  const bool answered = co_await respond(exchange, answer.response);
  answer.response.stream = nullptr;
  answer.share.reset();
  if (!answered) co_return false;
  if (exchange.keep_alive && !finishing) co_return true;
  answer = {};
  co_await stream.shutdown();
  co_await linger();
  co_return false;
}

// Until a whole head is at the front of `input`.
Task<int> Http1Connection::Impl::read_head(HeadScanner& scanner) {
  bool timed = false;
  input.shrink_if_empty();
  stream.set_read_deadline(facts.in(limits().idle_timeout));
  for (;;) {
    // Some clients end a body with an empty line that does not belong to it.
    while (!scanner.started() && input.view().starts_with("\r\n")) input.consume(2);
    const bool only_return = !scanner.started() && input.view() == "\r";
    if (!input.empty() && !only_return) {
      const auto found = scanner.scan(input.view());
      if (found == HeadScanner::Found::kBad) co_return 400;
      if (scanner.size() > limits().header_bytes_max) co_return 431;
      if (found == HeadScanner::Found::kEnd) co_return kFine;
      if (!std::exchange(timed, true)) stream.set_read_deadline(facts.in(limits().header_timeout));
    }
    if (finishing && input.empty()) co_return kGone;
    idle = input.empty();
    const auto count = co_await stream.read_some(input.prepare());
    idle = false;
    if (!count) {
      const bool slow = count.error().code == base::ErrorCode::kTimeout && !input.empty();
      co_return slow ? 408 : kGone;
    }
    if (*count == 0) co_return kGone;
    input.commit(*count);
  }
}

// A body that has come with its head. nullopt: it is to be read.
std::optional<int> Http1Connection::Impl::take_body(const Framing& framing, std::string& body,
                                                    BodyShare& share) {
  const std::uint64_t length = framing.content_length.value_or(0);
  if (framing.chunked || length > input.size() || length > limits().body_bytes_max)
    return std::nullopt;
  if (!share.grow_to(length)) return 503;
  body = input.view().substr(0, length);
  input.consume(length);
  return kFine;
}

Task<int> Http1Connection::Impl::read_body(const Framing& framing, std::string& body,
                                           BodyShare& share) {
  const std::uint64_t length = framing.content_length.value_or(0);
  if (length > limits().body_bytes_max) co_return 413;
  if (!share.grow_to(length)) co_return 503;
  if (framing.expects_continue && input.empty()) {
    stream.set_write_deadline(facts.transfer_deadline(facts.in({}), 0));
    const auto written = co_await stream.write(kContinue);
    stream.set_write_deadline(base::SteadyTime::max());
    if (!written) co_return kGone;
  }
  int outcome = kFine;
  if (framing.chunked) outcome = co_await read_chunked_body(body, share);
  else outcome = co_await read_sized_body(length, body);
  co_return outcome;
}

Task<int> Http1Connection::Impl::read_sized_body(std::size_t length, std::string& body) {
  body.reserve(length);  // address space: nothing is touched before it has come
  body = input.view().substr(0, length);
  input.consume(body.size());
  const auto start = facts.in({});
  std::size_t have = body.size();
  // Memory is taken as the bytes come: a mere announcement costs nothing.
  while (have < length) {
    stream.set_read_deadline(facts.transfer_deadline(start, have));
    if (have == body.size())
      body.resize_and_overwrite(std::min(length, have + std::max(have, kBodyStepBytes)),
                                [](char*, std::size_t size) { return size; });
    const auto count = co_await stream.read_some({body.data() + have, body.size() - have});
    if (!count) co_return count.error().code == base::ErrorCode::kTimeout ? 408 : kGone;
    if (*count == 0) co_return kGone;
    have += *count;
  }
  co_return kFine;
}

Task<int> Http1Connection::Impl::read_chunked_body(std::string& body, BodyShare& share) {
  const auto start = facts.in({});
  ChunkedDecoder decoder;
  for (;;) {
    while (!input.empty() && !decoder.done()) {
      const auto piece = decoder.next(input.view());
      if (decoder.bad()) co_return 400;
      const std::size_t grown = body.size() + piece.data.size();
      if (grown > limits().body_bytes_max) co_return 413;
      if (!share.grow_to(grown)) co_return 503;
      body.append(piece.data);
      input.consume(piece.consumed);
    }
    if (decoder.done()) co_return kFine;
    stream.set_read_deadline(facts.transfer_deadline(start, body.size()));
    const auto count = co_await stream.read_some(input.prepare());
    if (!count) co_return count.error().code == base::ErrorCode::kTimeout ? 408 : kGone;
    if (*count == 0) co_return kGone;
    input.commit(*count);
  }
}

void Http1Connection::Impl::write_head(const Exchange& exchange, const HttpResponse& response,
                                       std::optional<std::uint64_t> length, bool chunked) {
  head.clear();
  append_status_line(head, response.status);
  bool dated = false;
  for (const auto& [name, value] : response.headers) {
    if (is_connection_header(name)) continue;
    dated |= equal_ignoring_case(name, "date");
    append_header(head, name, value);
  }
  if (!dated) append_header(head, "Date", facts.date());
  if (length) append_header(head, "Content-Length", fmt::format_int(*length).c_str());
  if (chunked) append_header(head, "Transfer-Encoding", "chunked");
  if (!exchange.keep_alive) append_header(head, "Connection", "close");
  else if (exchange.minor_version == 0) append_header(head, "Connection", "keep-alive");
  head += "\r\n";
}

// False: the connection is of no more use.
Task<bool> Http1Connection::Impl::respond(Exchange exchange, HttpResponse& response) {
  const bool has_body = status_has_body(response.status);
  if (response.stream && has_body && !exchange.head_only)
    return respond_streaming(exchange, response);
  std::optional<std::uint64_t> length;
  if (has_body) length = response.body.size();
  if (exchange.head_only && has_body) {
    const auto* const given = response.find("content-length");
    if (given != nullptr) length = parse_content_length(*given);
    else if (response.stream) length.reset();
  }
  write_head(exchange, response, length, false);
  std::string_view body = response.body;
  if (!has_body || exchange.head_only) body = {};
  return write_in_steps(body);
}

// Each step has its own deadline, so that a peer that takes nothing is cut soon, however large the
// answer is.
Task<bool> Http1Connection::Impl::write_in_steps(std::string_view body) {
  std::string_view first = head;
  do {
    const std::string_view step = body.substr(0, kWriteStepBytes);
    body.remove_prefix(step.size());
    stream.set_write_deadline(facts.transfer_deadline(facts.in({}), step.size()));
    const auto written = co_await stream.write(std::exchange(first, {}), step);
    if (!written) co_return false;
  } while (!body.empty());
  stream.set_write_deadline(base::SteadyTime::max());
  co_return true;
}

Task<bool> Http1Connection::Impl::respond_streaming(Exchange exchange, HttpResponse& response) {
  std::optional<std::uint64_t> length;
  if (const auto* const given = response.find("content-length"); given != nullptr)
    length = parse_content_length(*given);
  const bool chunked = !length && exchange.minor_version == 1;
  // Without length or chunks the connection's end is the body's.
  if (!length && !chunked) exchange.keep_alive = false;
  write_head(exchange, response, length, chunked);
  stream.set_write_deadline(facts.transfer_deadline(facts.in({}), 0));
  const auto written = co_await stream.write(head);
  if (!written) co_return false;
  streaming.emplace();
  if (finishing) streaming->request_stop();
  Http1BodyWriter writer(facts, stream, chunked, length, response.patient_until,
                         streaming->get_token());
  if (!length) {
    watch_ended.emplace();
    stream.set_read_deadline(base::SteadyTime::max());
    async::spawn(facts.shelf.core, watch_peer());
  }
  bool failed = false;
  try {
    co_await response.stream(writer);
  } catch (const std::exception& problem) {
    base::log_error("http: a streamed body failed: {}", problem.what());
    failed = true;
  } catch (...) {
    base::log_error("http: a streamed body failed");
    failed = true;
  }
  co_await async::on(facts.shelf.core);
  co_await end_watch();
  streaming.reset();
  if (failed) co_return false;
  const bool whole = co_await writer.end();
  co_return whole;
}

// Reads while a body is written that may go on for long: else a peer that has gone would be noticed
// only with the next write but one. What it sends belongs to its next request.
Task<void> Http1Connection::Impl::watch_peer() {
  while (input.size() < kAheadBytesMax) {
    const auto count = co_await stream.read_some(input.prepare());
    const bool called_off = !count && count.error().code == base::ErrorCode::kTimeout;
    if (called_off) break;
    if (!count || *count == 0) {
      streaming->request_stop();
      break;
    }
    input.commit(*count);
  }
  watch_ended->set(true);
}

Task<void> Http1Connection::Impl::end_watch() {
  if (!watch_ended) co_return;
  stream.set_read_deadline(facts.in({}));
  co_await *watch_ended;
  watch_ended.reset();
}

// `content_type` of the request, as far as it is known.
Task<bool> Http1Connection::Impl::refuse(int status, std::string_view content_type) {
  facts.shared().requests_refused.fetch_add(1, std::memory_order_relaxed);
  base::log_debug("http: refused a request of {} with {}", facts.peer_address, status);
  HttpResponse response = status == 503 ? overloaded(content_type) : refusal(status);
  const bool answered = co_await respond({.keep_alive = false}, response);
  if (answered) {
    co_await stream.shutdown();
    co_await linger();
  }
  co_return false;
}

// Reads on for a moment: closing with unread bytes would reset the connection, and the client might
// lose the answer before it has read it.
Task<void> Http1Connection::Impl::linger() {
  stream.set_read_deadline(facts.in(kLingerTime));
  input.consume(input.size());
  std::size_t seen = 0;
  while (seen < kLingerBytes) {
    const auto count = co_await stream.read_some(input.prepare());
    if (!count || *count == 0) break;
    seen += *count;
  }
}

}  // namespace wire
