// An instance's extensions, and what it tells those who subscribe to telemetry.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "functions/instance.h"
#include "wire/json_codec.h"

namespace functions {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  wire::append_json_string(out, text);
  return out;
}

double as_ms(std::chrono::nanoseconds duration) {
  return std::round(std::chrono::duration<double, std::milli>(duration).count() * 1000) / 1000;
}

std::string_view status_word(std::string_view status) {
  return status.empty() ? std::string_view("success") : status;
}

}  // namespace

void Instance::begin_telemetry(std::size_t sockets) {
  telemetry_ = std::make_unique<Telemetry>(
      setting_.core, setting_.deps.clock, sockets,
      [this](std::size_t socket, std::uint16_t port, std::string target, std::string body) {
        return connection_->post(socket, port, std::move(target), std::move(body));
      });
  telemetry_->platform(
      "platform.initStart",
      fmt::format(R"({{"initializationType":"{}","phase":"init","functionName":{},)"
                  R"("functionVersion":{},"instanceId":{},"instanceMaxMemory":{}}})",
                  initialization_type(), quoted(function_->key.name), quoted(version_.version),
                  quoted(log_.destination().stream), version_.memory_mb));
}

wire::HttpResponse Instance::subscribe(const wire::HttpRequest& request) {
  const std::string name = extensions_.name_of(request);
  if (name.empty())
    return api_failure(403, "Extension.UnknownExtensionIdentifier", "Unknown extension");
  if (telemetry_ == nullptr)
    return api_failure(403, "Telemetry.NotSupported",
                       "only a function with external extensions has telemetry here");
  return telemetry_->subscribe(name, request);
}

void Instance::extension_changed() {
  if (!proceeded_ && process_ != nullptr && extensions_.registered()) {
    proceeded_ = true;
    process_->proceed();
  }
  settle();
  changed_.notify();
}

void Instance::extension_failed(Extensions::Failure failure) {
  if (!extension_failure_) extension_failure_ = std::move(failure);
  tell_of_init("error", extension_failure_->type);
  end("failure");
}

// To the extensions, with an event's delivery to the runtime.
void Instance::tell_of_event(std::int64_t deadline_ms, const std::string& trace) {
  if (!extensions_.any()) return;
  extensions_.invoke(
      fmt::format(R"({{"eventType":"INVOKE","deadlineMs":{},"requestId":{},)"
                  R"("invokedFunctionArn":{},"tracing":{{"type":"X-Amzn-Trace-Id","value":{}}}}})",
                  deadline_ms, quoted(job_->request_id), quoted(job_->invoked_arn), quoted(trace)));
}

// The start is over, for good or bad.
void Instance::tell_of_init(std::string_view status, std::string_view error_type) {
  if (std::exchange(init_told_, true)) return;
  extensions_.close_registration();
  for (const Extensions::Told& one : extensions_.list()) {
    write_log(fmt::format("EXTENSION\tName: {}\tState: {}\tEvents: [{}]\n", one.name, one.state,
                          fmt::join(one.events, ", ")));
    if (telemetry_ == nullptr) continue;
    std::string events;
    for (const std::string& event : one.events)
      events += (events.empty() ? "" : ",") + quoted(event);
    telemetry_->platform("platform.extension",
                         fmt::format(R"({{"name":{},"state":"{}","events":[{}]}})",
                                     quoted(one.name), one.state, events));
  }
  if (telemetry_ == nullptr) return;
  const std::string error =
      error_type.empty() ? std::string() : fmt::format(R"(,"errorType":{})", quoted(error_type));
  const std::string what =
      fmt::format(R"("initializationType":"{}","phase":"init","status":"{}"{})",
                  initialization_type(), status, error);
  telemetry_->platform("platform.initRuntimeDone", "{" + what + "}");
  telemetry_->platform("platform.initReport",
                       fmt::format(R"({{{},"metrics":{{"durationMs":{}}}}})", what,
                                   as_ms(setting_.core.now() - started_at_)));
  telemetry_->close_subscriptions();
}

// They are done with the last event.
void Instance::tell_of_extensions() {
  if (!answered_at_) return;
  const auto took = setting_.core.now() - *std::exchange(answered_at_, std::nullopt);
  if (setting_.deps.observer != nullptr)
    setting_.deps.observer->extensions_ended({.account_id = function_->key.account_id,
                                              .region = function_->key.region,
                                              .function = function_->key.name,
                                              .qualifier = answered_qualifier_},
                                             took);
}

void Instance::tell_of_start() {
  if (telemetry_ == nullptr) return;
  telemetry_->platform("platform.start",
                       fmt::format(R"({{"requestId":{},"version":{}}})", quoted(job_->request_id),
                                   quoted(version_.version)));
}

void Instance::tell_of_end(const ReportFacts& report) {
  if (telemetry_ == nullptr) return;
  const double ms = as_ms(report.duration);
  const std::string id = quoted(report.request_id);
  const std::string error = report.error_type.empty() || report.status != "error"
                                ? std::string()
                                : fmt::format(R"(,"errorType":{})", quoted(report.error_type));
  telemetry_->platform(
      "platform.runtimeDone",
      fmt::format(R"({{"requestId":{},"status":"{}"{},"metrics":{{"durationMs":{}}}}})", id,
                  status_word(report.status), error, ms));
  telemetry_->platform("platform.end", fmt::format(R"({{"requestId":{}}})", id));
  const std::string init =
      report.init_duration ? fmt::format(R"(,"initDurationMs":{})", as_ms(*report.init_duration))
                           : std::string();
  telemetry_->platform(
      "platform.report",
      fmt::format(R"({{"requestId":{},"status":"{}"{},"metrics":{{"durationMs":{},)"
                  R"("billedDurationMs":{:.0f},"memorySizeMB":{},"maxMemoryUsedMB":{}{}}}}})",
                  id, status_word(report.status), error, ms, std::ceil(ms), report.memory_mb,
                  report.memory_used_mb, init));
}

// Whether the extensions are told of the end, and have their time.
bool Instance::wind_down(std::string_view reason) {
  if (!proceeded_) return false;
  const std::int64_t deadline_ms = base::to_epoch_ms(setting_.deps.clock.now() + kWindDown);
  const bool told = extensions_.shut_down(fmt::format(
      R"({{"eventType":"SHUTDOWN","shutdownReason":"{}","deadlineMs":{}}})", reason, deadline_ms));
  if (!told) return false;
  thaw();
  if (telemetry_ != nullptr) telemetry_->hurry();
  process_->wind_down();
  idle_deadline_.set(setting_.core.now() + kWindDown);
  return true;
}

}  // namespace functions
