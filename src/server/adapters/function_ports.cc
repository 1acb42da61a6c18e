#include "server/adapters/function_ports.h"

#include <fmt/format.h>

#include "api/logs/operations.h"
#include "api/s3/operations.h"
#include "auth/evaluate.h"
#include "base/time_text.h"

namespace server {
namespace {

constexpr std::chrono::hours kSessionLife{12};
constexpr std::string_view kLambda = "lambda.amazonaws.com";

base::Error to_base_error(const api::Error& error) {
  const bool denied = error.code.starts_with("AccessDenied");
  return {denied ? base::ErrorCode::kPermission : base::ErrorCode::kInternal,
          error.code + ": " + error.message};
}

}  // namespace

std::optional<wire::Context> role_context(const identity::Identity& identity,
                                          const std::string& role_arn,
                                          const std::string& session_name,
                                          const std::string& region) {
  auto principal = identity.role_session(role_arn, session_name);
  if (!principal) return std::nullopt;
  wire::Context context;
  context.account_id = principal->account_id;
  context.region = region;
  context.facts.region = region;
  context.principal = std::make_shared<const auth::Principal>(*std::move(principal));
  return context;
}

std::optional<FunctionName> parse_function_arn(std::string_view arn) {
  constexpr std::string_view kPrefix = "function:";
  const auto parts = auth::parse_arn(arn);
  if (!parts || parts->service != "lambda" || !parts->resource.starts_with(kPrefix))
    return std::nullopt;
  const std::string_view rest = parts->resource.substr(kPrefix.size());
  const std::size_t colon = rest.find(':');
  FunctionName name;
  name.key = {std::string(parts->account), std::string(parts->region),
              std::string(rest.substr(0, colon))};
  if (colon != std::string_view::npos) name.qualifier = rest.substr(colon + 1);
  return name;
}

bool RoleSessions::may_assume(const std::string& role_arn) {
  const auto all = identity_.directory();
  const auto* const role = all->role_by_arn(role_arn);
  if (role == nullptr) return false;
  const auth::Principal lambda = auth::service_principal(kLambda);
  const auth::Context context = auth::global_context(lambda, auth::RequestFacts{}, clock_.now());
  const auth::AccessRequest request{.principal = &lambda,
                                    .action = "sts:AssumeRole",
                                    .resource = role_arn,
                                    .resource_account = identity_.account_id(),
                                    .context = &context};
  return auth::evaluate(request, {.identity = {},
                                  .session = {},
                                  .resource = role->trust.document.get(),
                                  .resource_must_allow = true})
      .allowed();
}

base::Result<functions::RoleCredentials> RoleSessions::issue(const std::string& role_arn,
                                                             const std::string& session_name) {
  const auto all = identity_.directory();
  const auto* const role = all->role_by_arn(role_arn);
  if (role == nullptr)
    return base::error(base::ErrorCode::kNotFound, "The role " + role_arn + " does not exist");
  if (!may_assume(role_arn))
    return base::error(base::ErrorCode::kPermission,
                       "The role defined for the function cannot be assumed by Lambda.");
  auto session = identity_.start_session(
      {.role_name = role->name, .session_name = session_name, .duration = kSessionLife});
  if (!session) return base::error(base::ErrorCode::kPermission, session.error().message);
  return functions::RoleCredentials{.access_key_id = std::move(session->access_key_id),
                                    .secret_key = std::move(session->secret_key),
                                    .session_token = std::move(session->token),
                                    .expires = session->expires};
}

async::Task<base::Status> RoleLogs::make_stream(wire::Context context, std::string group,
                                                std::string stream) {
  api::logs::op::CreateLogStream::Input input;
  input.log_group_name = group;
  input.log_stream_name = stream;
  auto made = co_await caller_.call<api::logs::op::CreateLogStream>(context, input);
  if (!made && made.error().code == "ResourceNotFoundException") {
    api::logs::op::CreateLogGroup::Input group_input;
    group_input.log_group_name = group;
    const auto group_made =
        co_await caller_.call<api::logs::op::CreateLogGroup>(context, group_input);
    if (!group_made && group_made.error().code != "ResourceAlreadyExistsException")
      co_return std::unexpected(to_base_error(group_made.error()));
    made = co_await caller_.call<api::logs::op::CreateLogStream>(context, input);
  }
  if (!made && made.error().code != "ResourceAlreadyExistsException")
    co_return std::unexpected(to_base_error(made.error()));
  co_return base::Status();
}

async::Task<base::Status> RoleLogs::write(functions::LogDestination destination,
                                          std::vector<functions::LogLine> lines) {
  const auto context =
      role_context(identity_, destination.role_arn, destination.session_name, destination.region);
  if (!context)
    co_return base::error(base::ErrorCode::kNotFound, "no role " + destination.role_arn);
  api::logs::op::PutLogEvents::Input input;
  input.log_group_name = destination.group;
  input.log_stream_name = destination.stream;
  auto& events = input.log_events.emplace();
  events.reserve(lines.size());
  for (functions::LogLine& line : lines) {
    auto& event = events.emplace_back();
    event.timestamp = base::to_epoch_ms(line.time);
    event.message = std::move(line.text);
  }
  auto put = co_await caller_.call<api::logs::op::PutLogEvents>(*context, input);
  if (!put && put.error().code == "ResourceNotFoundException") {
    const base::Status made = co_await make_stream(*context, destination.group, destination.stream);
    if (!made) co_return std::unexpected(made.error());
    put = co_await caller_.call<api::logs::op::PutLogEvents>(*context, std::move(input));
  }
  if (!put) co_return std::unexpected(to_base_error(put.error()));
  co_return base::Status();
}

std::string MappedFunctions::role_arn(const std::string& function_arn) {
  const auto name = parse_function_arn(function_arn);
  const auto function = name ? catalogue_.find(name->key) : nullptr;
  const auto* const version = function ? function->resolve(name->qualifier) : nullptr;
  return version != nullptr ? version->role : std::string();
}

async::Task<mapping::InvokeResult> MappedFunctions::invoke(std::string function_arn,
                                                           std::string payload) {
  using Kind = mapping::InvokeResult::Kind;
  const auto name = parse_function_arn(function_arn);
  if (!name) co_return mapping::InvokeResult{.kind = Kind::kUnavailable, .reason = "no function"};
  functions::Invocation invocation{
      .key = name->key, .qualifier = name->qualifier, .payload = std::move(payload)};
  auto result = co_await invoker_.invoke(std::move(invocation));
  if (!result)
    co_return mapping::InvokeResult{.kind = Kind::kUnavailable, .reason = result.error().message};
  mapping::InvokeResult answer;
  answer.request_id = std::move(result->request_id);
  if (!result->function_error.empty()) {
    answer.kind = Kind::kFunctionError;
    answer.reason = result->payload.substr(0, 1024);
  }
  answer.payload = std::move(result->payload);
  co_return answer;
}

void MappedFunctions::sending(const std::string& function_arn, base::Milliseconds age) {
  const auto name = parse_function_arn(function_arn);
  if (!name) return;
  figures_.iterator_age({.account_id = name->key.account_id,
                         .region = name->key.region,
                         .function = name->key.name,
                         .qualifier = name->qualifier},
                        age);
}

void MappedFunctions::counted(const mapping::MappingName& mapping,
                              const mapping::EventCounts& events) {
  figures_.events(mapping, events);
}

// aws/lambda/MAPPING/SHARD/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID
std::string FailedBatches::key_of(const mapping::FailureNote& note) {
  const std::string now = base::iso8601(clock_.now());  // 2026-11-23T04:51:00Z
  return fmt::format("aws/lambda/{}/{}/{}/{}/{}/{}.{}.{}-{}", note.mapping_id, note.shard_id,
                     now.substr(0, 4), now.substr(5, 2), now.substr(8, 2), now.substr(0, 13),
                     now.substr(14, 2), now.substr(17, 2), base::uuid(random_));
}

async::Task<base::Status> FailedBatches::deliver(mapping::FailureNote note) {
  const auto destination = auth::parse_arn(note.destination_arn);
  if (!destination || destination->service != "s3")
    co_return base::error(base::ErrorCode::kInvalidArgument,
                          note.destination_arn + " is no bucket");
  const auto function = parse_function_arn(note.function_arn);
  const auto context = role_context(identity_, role_of_(note.function_arn), "awslambda-mapping",
                                    function ? function->key.region : std::string());
  if (!context) co_return base::error(base::ErrorCode::kNotFound, "the function's role is gone");
  api::s3::op::PutObject::Input input;
  input.bucket = std::string(destination->resource);
  input.key = key_of(note);
  input.content_type = "application/json";
  input.body = std::move(note.document);
  const auto put = co_await caller_.call<api::s3::op::PutObject>(*context, std::move(input));
  if (!put) co_return std::unexpected(to_base_error(put.error()));
  co_return base::Status();
}

async::Task<api::Outcome<std::string>> BucketCode::fetch(const wire::Context& context,
                                                         std::string bucket, std::string key,
                                                         std::string version) {
  api::s3::op::GetObject::Input input;
  input.bucket = std::move(bucket);
  input.key = std::move(key);
  if (!version.empty()) input.version_id = std::move(version);
  auto got = co_await caller_.call<api::s3::op::GetObject>(context, std::move(input));
  if (!got) co_return std::unexpected(std::move(got).error());
  co_return std::move(got->body).value_or("");
}

}  // namespace server
