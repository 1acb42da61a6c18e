// A runtime for tests: answers each event with itself, over one connection and with no library.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int connect_to_api() {
  const std::string api = std::getenv("AWS_LAMBDA_RUNTIME_API");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(api.c_str() + api.find(':') + 1)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::exit(2);
  return fd;
}

std::string header(const std::string& head, const char* name) {
  const char* const found = ::strcasestr(head.c_str(), name);
  if (found == nullptr) return {};
  const std::string value = found + std::strlen(name);
  return value.substr(0, value.find('\r'));
}

struct Message {
  std::string head;
  std::string body;
};

Message exchange(int fd, const std::string& request) {
  if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
    std::exit(3);
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::string head = bytes.substr(0, end + 2);
      const std::size_t size =
          static_cast<std::size_t>(std::atoll(header(head, "content-length: ").c_str()));
      if (bytes.size() >= end + 4 + size) return {head, bytes.substr(end + 4, size)};
    }
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) std::exit(4);
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

int main() {
  const int fd = connect_to_api();
  const std::string base = "/2018-06-01/runtime/invocation/";
  for (;;) {
    const Message event = exchange(fd, "GET " + base + "next HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string id = header(event.head, "lambda-runtime-aws-request-id: ");
    exchange(fd, "POST " + base + id + "/response HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                     std::to_string(event.body.size()) + "\r\n\r\n" + event.body);
  }
}
