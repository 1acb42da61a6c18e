// Arbitrary bytes as an HTTP/1 (or any other) connection, in pieces of a size the input chooses.

#include <cstddef>
#include <cstdint>

#include "async/gate.h"
#include "async/manual_core.h"
#include "async/memory_stream.h"
#include "wire/http_server.h"

namespace {

async::Task<void> write_piece(wire::BodyWriter& writer) { co_await writer.write("piece"); }

async::Task<wire::HttpResponse> answer(wire::HttpRequest request) {
  CHECK(request.body.size() <= 4096);
  wire::HttpResponse response;
  if (request.path == "/s") response.stream = write_piece;
  else response.body = std::move(request.body);
  co_return response;
}

// Reads as much as the path says.
async::Task<wire::HttpResponse> take(wire::HttpRequest request, wire::BodyReader& body) {
  wire::HttpResponse response;
  for (std::size_t pieces = request.path.size(); pieces > 1; --pieces) {
    const auto piece = co_await body.read();
    if (!piece || piece->empty()) break;
    response.body += *piece;
  }
  for (const wire::Header& trailer : body.trailers()) CHECK(!trailer.name.empty());
  co_return response;
}
bool is_upload(const wire::HttpRequest& request) { return request.path.starts_with("/u"); }

async::Task<void> talk(async::Core& core, wire::HttpServer& server, std::string bytes,
                       std::size_t piece) {
  auto [near, far] = async::make_memory_pair(
      core, {.capacity = 1 << 24, .read_max = std::max<std::size_t>(piece, 1)});
  async::spawn(core, server.serve(std::move(far)));
  const auto written = co_await near->write(bytes);
  if (written) co_await near->shutdown();
  std::array<char, 4096> buffer;
  for (;;) {
    const auto count = co_await near->read_some(buffer);
    if (!count || *count == 0) break;
  }
  near->close();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  base::ManualClock clock;
  async::ManualCore core(clock);
  wire::HttpServer server({.limits = {.header_bytes_max = 2048, .body_bytes_max = 4096},
                           .clock = &clock,
                           .uploads = {.takes = is_upload, .handler = take}},
                          std::vector<async::AsioCore*>{}, answer);
  core.run(talk(core, server, {reinterpret_cast<const char*>(data + 1), size - 1}, data[0]));
  core.run(server.stop(core.now()));
  CHECK(server.figures().connections_open == 0);
  CHECK(server.figures().body_bytes_held == 0);
  return 0;
}
