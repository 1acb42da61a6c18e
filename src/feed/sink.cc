#include "feed/sink.h"

#include <fmt/format.h>

#include <cstdio>

#include "api/kinesis/operations.h"
#include "async/timer.h"
#include "client/failure.h"
#include "feed/put_records.h"

namespace feed {
namespace {

using async::Task;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kDelayMaxWhenStopping{500};
constexpr unsigned kQuietAttempts = 4;  // throttling that passes soon is not worth a warning

class Kinesis final : public Sink {
 public:
  Kinesis(async::AsioCore& core, wire::HttpClient& client, KinesisTarget target, base::Clock& clock,
          base::Random& random, Figures& figures, std::function<void(std::string)> warn,
          std::stop_token stop)
      : core_(core),
        client_(client),
        target_(std::move(target)),
        clock_(clock),
        random_(random),
        figures_(figures),
        warn_(std::move(warn)),
        stop_(std::move(stop)) {}

  Task<base::Status> put(Batch batch) override {
    auto last_progress = core_.now();
    auto stopped_at = base::SteadyTime::max();
    for (unsigned attempt = 1;; ++attempt) {
      const std::size_t before = batch.records().size();
      const std::size_t bytes_before = batch.bytes();
      const auto verdict = co_await attempt_once(batch);
      if (verdict.what == Verdict::What::kFatal) co_return refusal(verdict);
      batch.keep_only(verdict.again);
      figures_.records += before - batch.records().size();
      figures_.bytes += bytes_before - batch.bytes();
      if (verdict.what == Verdict::What::kDone) co_return base::Status();
      figures_.retried += batch.records().size();
      if (batch.records().size() < before) last_progress = core_.now(), attempt = 1;

      if (stop_.stop_requested()) stopped_at = std::min(stopped_at, core_.now());
      if (target_.reach_at_once && !reached_) co_return not_reached_;
      const bool patient =
          stopped_at == base::SteadyTime::max() || core_.now() < stopped_at + kFlushPatience;
      if (!patient || core_.now() > last_progress + target_.give_up_after)
        co_return base::error(
            ErrorCode::kUnavailable,
            fmt::format("gave up on {} records: {}", batch.records().size(), verdict.reason));
      const milliseconds delay = client::retry_delay(attempt, random_);
      if (attempt >= kQuietAttempts)
        warn_(fmt::format("{} records again in {} ms: {}", batch.records().size(), delay.count(),
                          verdict.reason));
      if (!stop_.stop_requested()) co_await async::sleep_for(delay, stop_);
      else co_await async::sleep_for(std::min(delay, kDelayMaxWhenStopping));
    }
  }

 private:
  Task<Verdict> attempt_once(const Batch& batch) {
    auto request =
        client::make_request(target_.at, api::kinesis::op::PutRecords::info(),
                             put_records_body(target_.stream, batch.records()), clock_.now());
    if (!request) co_return never(request.error().message);
    ++figures_.requests;
    const auto answer = co_await client_.send(*std::move(request));
    if (answer) reached_ = true;
    if (answer) co_return judge(answer->status, answer->body, batch.records().size());
    if (answer.error().code == ErrorCode::kInvalidArgument) co_return never(answer.error().message);
    if (answer.error().code != ErrorCode::kUnavailable) reached_ = true;
    else not_reached_ = std::unexpected(answer.error());
    // The server may have taken all of them: a record can arrive twice, but never not at all.
    Verdict verdict{.what = Verdict::What::kRetry, .reason = answer.error().message};
    for (std::size_t i = 0; i < batch.records().size(); ++i) verdict.again.push_back(i);
    co_return verdict;
  }

  static Verdict never(std::string reason) {
    return {.what = Verdict::What::kFatal, .reason = std::move(reason)};
  }
  static base::Status refusal(const Verdict& verdict) {
    ErrorCode code = ErrorCode::kInvalidArgument;
    if (verdict.code == "ResourceNotFoundException") code = ErrorCode::kNotFound;
    if (verdict.code == "AccessDeniedException") code = ErrorCode::kPermission;
    return base::error(code, "Kinesis refuses the records: " + verdict.reason);
  }

  async::AsioCore& core_;
  wire::HttpClient& client_;
  KinesisTarget target_;
  base::Clock& clock_;
  base::Random& random_;
  Figures& figures_;
  std::function<void(std::string)> warn_;
  std::stop_token stop_;
  bool reached_ = false;
  base::Status not_reached_;
};

class Printer final : public Sink {
 public:
  explicit Printer(Figures& figures) : figures_(figures) {}

  Task<base::Status> put(Batch batch) override {
    std::string lines;
    for (const Record& record : batch.records()) lines.append(record.data).push_back('\n');
    const std::size_t written = std::fwrite(lines.data(), 1, lines.size(), stdout);
    if (written != lines.size() || std::fflush(stdout) != 0)
      co_return base::error(ErrorCode::kIo, "standard output takes nothing more");
    figures_.records += batch.records().size();
    figures_.bytes += batch.bytes();
    ++figures_.requests;
    co_return base::Status();
  }

 private:
  Figures& figures_;
};

}  // namespace

std::unique_ptr<Sink> make_kinesis(async::AsioCore& core, wire::HttpClient& client,
                                   KinesisTarget target, base::Clock& clock, base::Random& random,
                                   Figures& figures, std::function<void(std::string)> warn,
                                   std::stop_token stop) {
  return std::make_unique<Kinesis>(core, client, std::move(target), clock, random, figures,
                                   std::move(warn), std::move(stop));
}

std::unique_ptr<Sink> make_printer(Figures& figures) { return std::make_unique<Printer>(figures); }

}  // namespace feed
