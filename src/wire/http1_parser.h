#pragma once

// HTTP/1 messages as bytes: heads and chunked bodies (RFC 9112), for both sides. Strict where
// leniency lets two readers of one connection disagree about where a message ends: only CRLF ends a
// line, no folded lines, no blank before a colon, never both length and coding.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http_types.h"

namespace wire {

struct HeadLimits {
  std::size_t bytes_max = 64 * 1024;
  std::size_t count_max = 256;
};

// How a message's body is delimited, and what becomes of the connection.
struct Framing {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  int minor_version = 1;
};

// Finds the end of a head in a buffer that grows between calls, looking at each byte once.
class HeadScanner {
 public:
  enum class Found { kNothingYet, kEnd, kBad };
  // `buffer` begins with the head's first byte. kEnd: size() bytes of it are the head.
  Found scan(std::string_view buffer);
  std::size_t size() const { return scanned_; }
  bool started() const { return scanned_ > 0; }

 private:
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
};

struct RequestHead {
  HttpRequest request;  // without body, secure, peer_address
  Framing framing;
};
// `text`: a whole head with its final empty line. On failure the status to answer.
std::expected<RequestHead, int> parse_request_head(std::string_view text, const HeadLimits& limits);

struct ResponseHead {
  int status = 0;
  std::vector<Header> headers;
  Framing framing;  // neither length nor chunked: until the connection ends
};
// `text`: a chunked body's trailers with the empty line. nullopt: no header lines.
std::optional<std::vector<Header>> parse_trailers(std::string_view text);

std::optional<ResponseHead> parse_response_head(std::string_view text, const HeadLimits& limits);

// Takes a chunked body apart, piece by piece. Extensions are passed over.
class ChunkedDecoder {
 public:
  struct Piece {
    std::size_t consumed = 0;  // of the input; > 0 unless bad
    std::string_view data;     // within the input; often empty
  };
  // Call while !done() && !bad() and there is input.
  Piece next(std::string_view input);
  bool done() const { return state_ == State::kDone; }
  bool bad() const { return state_ == State::kBad; }
  // Once done(): the trailers' lines, each with its CRLF, and the empty one.
  std::string_view trailers() const { return trailers_; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeLineFeed,
    kData,
    kDataReturn,
    kDataLineFeed,
    kTrailerStart,
    kTrailer,
    kTrailerLineFeed,
    kEndLineFeed,
    kDone,
    kBad
  };
  void step(char c);
  void step_size(char c);
  void step_trailer(char c);

  State state_ = State::kSize;
  std::uint64_t left_ = 0;  // of the size while it is read, then of the data
  std::size_t size_digits_ = 0;
  std::size_t overhead_ = 0;  // bytes of this chunk's line, or of all trailers
  std::string trailers_;
};

// "HTTP/1.1 200 OK" and its line end.
void append_status_line(std::string& out, int status);
inline void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace wire
