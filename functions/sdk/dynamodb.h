// A signed DynamoDB client: JSON in, JSON out, retries inside a deadline. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sdk/backoff.h"
#include "sdk/environment.h"
#include "sdk/http_client.h"
#include "sdk/sigv4.h"

namespace sdk {

// What the functions need of DynamoDB; an interface so that their logic is tested without it.
class DynamoDbApi {
 public:
  virtual ~DynamoDbApi() = default;
  // operation: for example "BatchWriteItem"; body: its JSON input. Answer: its JSON output.
  // The request may be processed more than once (retries): give it only what may be repeated.
  // Errors: kService with the service's error name and message, kConnection, kTimeout, kProtocol.
  virtual Result<std::string> call(std::string_view operation, std::string body,
                                   Deadline deadline) = 0;
};

class DynamoDb final : public DynamoDbApi {
 public:
  struct Options {
    std::string region;
    std::string host_header;
    Credentials credentials;
    Backoff backoff;
    std::int64_t attempt_ms = 5000;  // one attempt may take this long before it is given up
    int attempts_max = 10;
  };

  DynamoDb(std::unique_ptr<HttpTransport> transport, Options options, Clock& clock, Random& random);

  // Tried again, with growing pauses, until the deadline or attempts_max: throttling, 5xx, broken
  // connections, answers whose x-amz-crc32 does not match. Never tried again: other refusals.
  Result<std::string> call(std::string_view operation, std::string body,
                           Deadline deadline) override;

 private:
  struct Attempt {
    Result<std::string> result;
    bool worth_retrying;
  };
  Attempt attempt(const Request& request, Deadline deadline);

  std::unique_ptr<HttpTransport> transport_;
  Options options_;
  Clock& clock_;
  Random& random_;
};

// The endpoint: AWS_ENDPOINT_URL_DYNAMODB, else AWS_ENDPOINT_URL, else AWS's own for the region
// (AWS_REGION, else AWS_DEFAULT_REGION) over TLS. Errors: kConfiguration.
Result<std::unique_ptr<DynamoDbApi>> dynamodb_from(const Environment& environment,
                                                   Connector& connector, Clock& clock,
                                                   Random& random);

// The URL that dynamodb_from would use; region must not be empty.
std::string dynamodb_endpoint(const Environment& environment, std::string_view region);

}  // namespace sdk
