#include "wire/http2_session.h"

#include <cstring>

#include "wire/http2_engine.h"

namespace wire {
namespace {

// A client may cancel so many streams at once, and so many a second after that, before it is taken
// for one that makes us work for nothing.
constexpr std::uint64_t kResetBurst = 400;
constexpr std::uint64_t kResetsPerSecond = 50;
constexpr std::size_t kUnsentAcknowledgementsMax = 256;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// C callbacks; `user` is the engine.
struct Http2Callbacks {
  static Http2Engine& engine(void* user) { return *static_cast<Http2Engine*>(user); }
  static Http2Stream* stream(nghttp2_session* session, std::int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }
  static bool opens_request(const nghttp2_frame* frame) {
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (opens_request(frame)) engine(user).begin(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    auto* const its = stream(session, frame->hd.stream_id);
    if (its == nullptr || !opens_request(frame)) return 0;  // trailers are passed over
    return engine(user).add_header(*its, text(name, name_size), text(value, value_size));
  }

  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                  const std::uint8_t* bytes, std::size_t size, void* user) {
    auto* const its = stream(session, id);
    if (its != nullptr) engine(user).add_data(*its, text(bytes, size));
    return 0;
  }

  static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    auto& its_engine = engine(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: {
        if (frame->hd.type == NGHTTP2_DATA && frame->hd.length == 0 && !ends)
          its_engine.count_control_frame();
        auto* const its = stream(session, frame->hd.stream_id);
        if (its == nullptr) return 0;
        if (opens_request(frame)) its_engine.headers_complete(*its, ends);
        else if (ends) its_engine.dispatch(*its);
        return 0;
      }
      case NGHTTP2_PING:
      case NGHTTP2_SETTINGS:
      case NGHTTP2_PRIORITY: its_engine.count_control_frame(); return 0;
      default: return 0;
    }
  }

  // An answer that went out before its request was all here: the rest of that is not wanted.
  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!ends || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)) return 0;
    auto* const its = stream(session, frame->hd.stream_id);
    if (its != nullptr && its->refused != 0) engine(user).reset(*its, NGHTTP2_NO_ERROR);
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    engine(user).closed(id);
    return 0;
  }

  static ssize_t read_answer(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                             std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                             void* user) {
    auto* const its = stream(session, id);
    if (its == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t count = std::min(room, its->body.size() - its->sent);
    if (count == 0 && !its->ended) return NGHTTP2_ERR_DEFERRED;
    std::memcpy(into, its->body.data() + its->sent, count);
    its->sent += count;
    its->moved += count;
    engine(user).set_transfer_deadline(*its);
    if (its->sent == its->body.size()) {
      its->body.clear();
      its->sent = 0;
      if (its->ended) *flags |= NGHTTP2_DATA_FLAG_EOF;
      else its->deadline = base::SteadyTime::max();
      its->drained.set();
    }
    return static_cast<ssize_t>(count);
  }
};

nghttp2_session* new_http2_session(Http2Engine& engine) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  nghttp2_session* session = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return nullptr;
  if (nghttp2_option_new(&options) == 0) {
    using C = Http2Callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, C::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, C::header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, C::data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, C::frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, C::frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, C::stream_closed);
    nghttp2_option_set_stream_reset_rate_limit(options, kResetBurst, kResetsPerSecond);
    nghttp2_option_set_max_outbound_ack(options, kUnsentAcknowledgementsMax);
    nghttp2_option_set_max_deflate_dynamic_table_size(options, 4096);
    if (nghttp2_session_server_new2(&session, callbacks, &engine, options) != 0) session = nullptr;
    nghttp2_option_del(options);
  }
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

nghttp2_data_provider answer_provider() {
  nghttp2_data_provider provider{};
  provider.read_callback = Http2Callbacks::read_answer;
  return provider;
}

}  // namespace wire
