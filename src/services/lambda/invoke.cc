// Invoke.
#include <fmt/format.h>
#include <simdjson.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

std::optional<api::Error> check_payload(const std::string& payload) {
  if (payload.empty()) return std::nullopt;
  simdjson::dom::parser parser;
  const auto parsed = parser.parse(payload);
  if (parsed.error() == simdjson::SUCCESS) return std::nullopt;
  return l::invalid_request_content(
      fmt::format("Could not parse request body into json: Could not parse payload into json: {}",
                  simdjson::error_message(parsed.error())));
}

// Base64 of JSON on the wire; one line of JSON to the function.
api::Outcome<std::string> client_context(const std::optional<std::string>& given) {
  if (!given || given->empty()) return std::string();
  const auto text = base::from_base64(*given);
  boost::system::error_code failure;
  boost::json::value value;
  if (text) value = boost::json::parse(*text, failure);
  if (!text || failure)
    return std::unexpected(l::invalid_request_content(
        "Could not parse request body into json: Client context must be a valid Base64-encoded "
        "JSON object."));
  return boost::json::serialize(value);
}

Answer<l::InvocationResponse> invoke(const Deps& deps, const Context& context,
                                     l::InvocationRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (input.durable_execution_name) co_return std::unexpected(not_here("DurableExecutionName"));
  if (input.tenant_id) co_return std::unexpected(not_here("TenantId"));
  const auto found = find_version(deps, *target);
  if (!found) co_return std::unexpected(found.error());
  std::string payload = std::move(input.payload).value_or("");
  const auto bad = check_payload(payload);
  if (bad) co_return std::unexpected(*bad);
  auto client = client_context(input.client_context);
  if (!client) co_return std::unexpected(client.error());
  functions::Invocation invocation{.key = target->key,
                                   .qualifier = target->qualifier,
                                   .payload = std::move(payload),
                                   .client_context = *std::move(client),
                                   .request_id = context.request_id,
                                   .wants_log_tail = input.log_type == "Tail"};
  l::InvocationResponse output;
  const std::string type = input.invocation_type.value_or("RequestResponse");
  if (type == "DryRun") {
    output.status_code = 204;
    co_return output;
  }
  if (type == "Event") {
    const auto queued = co_await deps.events.add(std::move(invocation));
    if (!queued) co_return std::unexpected(queued.error());
    output.status_code = 202;
    output.payload = "";
    co_return output;
  }
  auto result = co_await deps.invoker.invoke(std::move(invocation));
  if (!result) co_return std::unexpected(std::move(result).error());
  output.status_code = 200;
  output.executed_version = result->version;
  output.payload = std::move(result->payload);
  if (!result->function_error.empty()) output.function_error = result->function_error;
  if (input.log_type == "Tail") output.log_result = base::base64(result->log_tail);
  co_return output;
}

}  // namespace

void register_invoke(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::Invoke>(on_function<l::InvocationRequest>(deps, "lambda:InvokeFunction"),
                              [&deps](const Context& context, l::InvocationRequest input) {
                                return invoke(deps, context, std::move(input));
                              });
}

}  // namespace services::lambda
