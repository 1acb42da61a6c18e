// HTTP/1.1 messages without any network: rendering a request, reading a response piece by piece.
// The parser trusts nothing: sizes are bounded, framing that could be read in two ways is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/result.h"

namespace sdk {

inline constexpr std::size_t kHeadBytesMax = 64 * 1024;
inline constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method;
  std::string target;           // path and query as they go on the wire
  std::vector<Header> headers;  // without Host, Content-Length, Connection
  std::string body;
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  // The first header of that name, compared without case; empty if there is none.
  std::string_view header(std::string_view name) const;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);

// The request's bytes. Content-Length is written for every method but GET.
std::string render_request(const Request& request, std::string_view host_header);

class ResponseParser {
 public:
  // Takes the next bytes. Answer: true once the response is complete; bytes beyond its end make
  // the connection unusable afterwards (keep_alive() false). Informational responses are skipped.
  // Errors: kProtocol.
  Result<bool> feed(std::string_view bytes);
  // The connection ended. Errors: kConnection if the response is not complete.
  Result<bool> end_of_stream();

  // True after the first byte of a response has been seen.
  bool started() const { return started_; }
  // Valid once complete.
  bool keep_alive() const { return keep_alive_; }
  Response take() { return std::move(response_); }

 private:
  enum class State { kHead, kFixed, kChunkSize, kChunkData, kChunkEnd, kTrailer, kToEnd, kDone };

  Result<bool> step();  // true while there may be more to do with what is buffered
  Result<bool> read_head();
  Result<void> read_framing();
  Result<bool> read_fixed();
  Result<bool> read_chunk_size();
  Result<bool> read_chunk_end();
  Result<bool> read_trailer();

  State state_ = State::kHead;
  std::string buffer_;
  Response response_;
  std::uint64_t wanted_ = 0;  // bytes of body or chunk still to come
  std::size_t trailer_bytes_ = 0;
  bool started_ = false;
  bool keep_alive_ = true;
};

}  // namespace sdk
