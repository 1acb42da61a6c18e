#include "sdk/http_client.h"

#include <array>

namespace sdk {

Result<Response> HttpClient::send(const Request& request, Deadline deadline) {
  const std::string bytes = render_request(request, origin_.host_header());
  if (stream_) {
    Exchange kept = exchange(bytes, deadline);
    if (kept.result || kept.answer_started || kept.result.error().fault != Fault::kConnection) {
      return std::move(kept.result);
    }
  }
  auto stream = connector_.connect(origin_, deadline);
  if (!stream) return std::unexpected(stream.error());
  stream_ = std::move(*stream);
  return exchange(bytes, deadline).result;
}

HttpClient::Exchange HttpClient::exchange(std::string_view bytes, Deadline deadline) {
  // Held here until the exchange has ended well: a half-used connection is never reused.
  std::unique_ptr<Stream> stream = std::move(stream_);
  auto written = stream->write_all(bytes, deadline);
  if (!written) return {std::unexpected(written.error()), false};
  ResponseParser parser;
  std::array<char, 16 * 1024> buffer;
  while (true) {
    auto got = stream->read_some(buffer, deadline);
    if (!got) return {std::unexpected(got.error()), parser.started()};
    auto done =
        *got == 0 ? parser.end_of_stream() : parser.feed(std::string_view(buffer.data(), *got));
    if (!done) return {std::unexpected(done.error()), parser.started()};
    if (*done) break;
  }
  if (parser.keep_alive()) stream_ = std::move(stream);
  return {parser.take(), true};
}

}  // namespace sdk
