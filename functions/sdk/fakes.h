// Stand-ins for tests of the SDK and of the functions: time that moves only when somebody sleeps,
// a transport and a DynamoDB that follow a script. Not part of any function.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "sdk/dynamodb.h"
#include "sdk/log.h"

namespace sdk {

class FakeClock final : public Clock {
 public:
  std::int64_t now_unix_ms() const override { return now; }
  void sleep_ms(std::int64_t span_ms) override {
    slept.push_back(span_ms);
    now += span_ms;
  }

  std::int64_t now = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
  std::vector<std::int64_t> slept;
};

// Always the largest value, so that pauses are predictable: the full step.
class FakeRandom final : public Random {
 public:
  std::uint64_t below(std::uint64_t bound) override { return bound - 1; }
};

class FakeLog final : public Log {
 public:
  void line(std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class FakeTransport final : public HttpTransport {
 public:
  Result<Response> send(const Request& request, Deadline deadline) override {
    requests.push_back(request);
    deadlines.push_back(deadline);
    if (answers.empty()) return failure(Fault::kConnection, "ScriptEnded", "no more answers");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }

  std::deque<Result<Response>> answers;
  std::vector<Request> requests;
  std::vector<Deadline> deadlines;
};

class FakeDynamoDb final : public DynamoDbApi {
 public:
  Result<std::string> call(std::string_view operation, std::string body, Deadline) override {
    calls.emplace_back(operation, std::move(body));
    if (answers.empty()) return failure(Fault::kConnection, "ScriptEnded", "no more answers");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }

  std::deque<Result<std::string>> answers;
  std::vector<std::pair<std::string, std::string>> calls;  // operation, body
};

}  // namespace sdk
