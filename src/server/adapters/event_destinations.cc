#include "server/adapters/event_destinations.h"

#include <fmt/format.h>

#include "api/lambda/operations.h"
#include "api/s3/operations.h"
#include "auth/principal.h"
#include "base/time_text.h"
#include "server/adapters/function_ports.h"

namespace server {
namespace {

template <class Output>
base::Status status_of(const api::Outcome<Output>& outcome) {
  if (outcome) return {};
  const bool denied = outcome.error().code.starts_with("AccessDenied");
  return base::error(denied ? base::ErrorCode::kPermission : base::ErrorCode::kInternal,
                     outcome.error().code + ": " + outcome.error().message);
}

}  // namespace

// aws/lambda/async/FUNCTION/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID
std::string EventDestinations::key_of(const functions::InvocationNote& note) {
  const std::string now = base::iso8601(clock_.now());  // 2026-11-23T04:51:00Z
  return fmt::format("aws/lambda/async/{}/{}/{}/{}/{}.{}.{}-{}", note.function_name,
                     now.substr(0, 4), now.substr(5, 2), now.substr(8, 2), now.substr(0, 13),
                     now.substr(14, 2), now.substr(17, 2), base::uuid(random_));
}

async::Task<base::Status> EventDestinations::deliver(functions::InvocationNote note) {
  const auto destination = auth::parse_arn(note.destination_arn);
  const auto context = role_context(identity_, note.role_arn, note.function_name, note.region);
  if (!destination || !context)
    co_return base::error(base::ErrorCode::kNotFound, "no destination, or the role is gone");
  if (destination->service == "s3") {
    api::s3::op::PutObject::Input input;
    input.bucket = std::string(destination->resource);
    input.key = key_of(note);
    input.content_type = "application/json";
    input.body = std::move(note.document);
    const auto put = co_await caller_.call<api::s3::op::PutObject>(*context, std::move(input));
    co_return status_of(put);
  }
  api::lambda::op::Invoke::Input input;
  input.function_name = note.destination_arn;
  input.invocation_type = "Event";
  input.payload = std::move(note.document);
  const auto queued = co_await caller_.call<api::lambda::op::Invoke>(*context, std::move(input));
  co_return status_of(queued);
}

}  // namespace server
