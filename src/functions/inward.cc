#include "functions/inward.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "wire/http1_parser.h"

namespace functions {
namespace {

constexpr std::size_t kHeadBytesMax = 64U << 10U;

}  // namespace

base::Result<std::unique_ptr<async::Stream>> InwardSocket::connect(async::AsioCore& core,
                                                                   std::uint16_t port) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;  // ends what was connected before
  ::connect(fd_.get(), &nowhere, sizeof nowhere);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS)
    return base::errno_error("connect into a sandbox", errno);
  async::OwnedFd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return base::errno_error("copy a socket", errno);
  return async::make_stream(core, {std::move(copy), "127.0.0.1"});
}

async::Task<bool> post_json(async::Stream& stream, std::string target, std::string body) {
  const std::string head = fmt::format(
      "POST {} HTTP/1.1\r\nHost: sandbox.localdomain\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n",
      target, body.size());
  const auto written = co_await stream.write(head, body);
  if (!written) co_return false;
  std::string answer;
  std::array<char, 4096> buffer;
  std::size_t end = std::string::npos;
  while (end == std::string::npos && answer.size() < kHeadBytesMax) {
    const auto count = co_await stream.read_some(buffer);
    if (!count || *count == 0) co_return false;
    answer.append(buffer.data(), *count);
    end = answer.find("\r\n\r\n");
  }
  if (end == std::string::npos) co_return false;
  const auto parsed = wire::parse_response_head(std::string_view(answer).substr(0, end + 4), {});
  co_return parsed && parsed->status >= 200 && parsed->status < 300;
}

}  // namespace functions
