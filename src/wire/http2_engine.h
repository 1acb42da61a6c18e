#pragma once

// The inside of Http2Connection. Internal to http2_*; includes nghttp2.

#include <nghttp2/nghttp2.h>

#include <unordered_map>

#include "wire/http2_connection.h"
#include "wire/http2_stream.h"

namespace wire {

class Http2Engine {
 public:
  Http2Engine(const ConnectionFacts& facts, async::Stream& stream, InputBuffer input);
  ~Http2Engine();

  async::Task<void> run();
  void finish();
  void cut();

 private:
  friend struct Http2Callbacks;
  friend class Http2BodyWriter;
  using StreamPointer = std::shared_ptr<Http2Stream>;

  const HttpLimits& limits() const { return facts_.limits(); }
  // False: the session cannot be used.
  bool start_session();
  async::Task<void> read_all();
  async::Task<void> write_all();
  bool receive(std::string_view bytes);  // false: the connection is through
  std::string collect_output();
  void set_read_deadline();
  base::SteadyTime write_deadline(std::size_t bytes) const;
  void expire_streams();

  // A stream's steps.
  void begin(std::int32_t id);
  int add_header(Http2Stream& stream, std::string_view name, std::string_view value);
  void headers_complete(Http2Stream& stream, bool whole_request);
  void add_data(Http2Stream& stream, std::string_view data);
  void dispatch(Http2Stream& stream);
  void refuse(Http2Stream& stream, int status);
  async::Task<void> handle(StreamPointer stream);
  void submit(Http2Stream& stream, HttpResponse& response, bool with_body);
  async::Task<void> stream_body(StreamPointer stream, StreamedBody body);
  // The peer has to take bytes from now on; it has taken some.
  void start_transfer(Http2Stream& stream);
  void set_transfer_deadline(Http2Stream& stream);
  void reset(Http2Stream& stream, std::uint32_t error);
  void closed(std::int32_t id);
  void count_control_frame();

  const ConnectionFacts& facts_;
  async::Stream& stream_;
  InputBuffer input_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, StreamPointer> streams_;
  async::Gate handlers_;
  std::size_t handlers_running_ = 0;
  Wakeup output_;  // there may be something to send
  Wakeup writer_ended_;
  bool reader_ended_ = false;
  bool broken_ = false;  // no byte can be sent any more
  bool finishing_ = false;
  base::SteadyTime control_window_;  // frames that cost us and bring nothing are counted from here
  std::size_t control_frames_ = 0;
};

}  // namespace wire
