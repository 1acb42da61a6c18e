// HTTP/1.1 to one origin over one kept connection. Not thread-safe.
#pragma once

#include <memory>

#include "sdk/http_message.h"
#include "sdk/stream.h"

namespace sdk {

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // Any status is an answer, not an error. Errors: kConnection, kTimeout, kProtocol,
  // kConfiguration. After kTimeout or a broken connection the request may have had its effect.
  virtual Result<Response> send(const Request& request, Deadline deadline) = 0;
};

class HttpClient final : public HttpTransport {
 public:
  HttpClient(Origin origin, Connector& connector)
      : origin_(std::move(origin)), connector_(connector) {}

  // A kept connection that turns out to be closed before any byte of the answer came is replaced
  // and the request sent once more: servers close idle connections, and a Lambda environment may
  // have been frozen for hours. So a request must be harmless if it is processed twice.
  Result<Response> send(const Request& request, Deadline deadline) override;

 private:
  struct Exchange {
    Result<Response> result;
    bool answer_started;
  };
  Exchange exchange(std::string_view bytes, Deadline deadline);

  Origin origin_;
  Connector& connector_;
  std::unique_ptr<Stream> stream_;  // null or ready for the next request
};

}  // namespace sdk
