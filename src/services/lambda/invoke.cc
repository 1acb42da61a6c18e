// Invoke, InvokeWithResponseStream.
#include <fmt/format.h>
#include <simdjson.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "services/lambda/lambda.h"
#include "wire/event_writer.h"

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

using StreamedResult = wire::Streamed<l::InvokeWithResponseStreamResponse>;

// Each piece as it comes, then how the invocation ended.
async::Task<void> send_events(functions::ResponseReader reader, bool tail, wire::BodyWriter& body) {
  wire::EventWriter events(body, l::kInvokeWithResponseStreamResponseEventShape,
                           wire::EventFormat::kJson);
  for (;;) {
    auto piece = co_await reader->read(body.stop_token());
    if (!piece) break;
    l::InvokeResponseStreamUpdate chunk;
    chunk.payload = *std::move(piece);
    const bool sent = co_await events.send("PayloadChunk", chunk);
    if (!sent) co_return;
  }
  if (body.stop_token().stop_requested()) co_return;
  l::InvokeWithResponseStreamCompleteEvent complete;
  const auto& outcome = reader->outcome();
  if (!outcome) {
    complete.error_code = outcome.error().code;
    complete.error_details = outcome.error().message;
  } else {
    if (!outcome->function_error.empty()) {
      complete.error_code = outcome->function_error;
      complete.error_details = outcome->payload;
    }
    if (tail) complete.log_result = base::base64(outcome->log_tail);
  }
  co_await events.send("InvokeComplete", complete);
}

Answer<StreamedResult> invoke_streaming(const Deps& deps, const Context& context,
                                        l::InvokeWithResponseStreamRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (input.tenant_id) co_return std::unexpected(not_here("TenantId"));
  const auto found = find_version(deps, *target);
  if (!found) co_return std::unexpected(found.error());
  std::string payload = std::move(input.payload).value_or("");
  const auto bad = check_payload(payload);
  if (bad) co_return std::unexpected(*bad);
  auto client = client_context(input.client_context);
  if (!client) co_return std::unexpected(client.error());
  StreamedResult output;
  if (input.invocation_type == "DryRun") {
    output.head.status_code = 204;
    output.body = [](wire::BodyWriter&) -> async::Task<void> { co_return; };
    co_return output;
  }
  const bool tail = input.log_type == "Tail";
  auto reader = deps.invoker.invoke_streaming({.key = target->key,
                                               .qualifier = target->qualifier,
                                               .payload = std::move(payload),
                                               .client_context = *std::move(client),
                                               .request_id = context.request_id,
                                               .wants_log_tail = tail});
  const auto head = co_await reader->head();
  if (!head && !reader->outcome()) co_return std::unexpected(reader->outcome().error());
  output.head.status_code = 200;
  output.head.executed_version = head ? head->version : reader->outcome()->version;
  output.body = [reader = std::move(reader), tail](wire::BodyWriter& body) mutable {
    return send_events(std::move(reader), tail, body);
  };
  co_return output;
}

}  // namespace

void register_invoke(wire::Registry& registry, const Deps& deps) {
  using Stream = l::InvokeWithResponseStreamRequest;
  registry.add_streamed<l::op::InvokeWithResponseStream>(
      on_function<Stream>(deps, "lambda:InvokeFunction"),
      [&deps](const Context& context, Stream input) {
        return invoke_streaming(deps, context, std::move(input));
      });
  registry.add<l::op::Invoke>(on_function<l::InvocationRequest>(deps, "lambda:InvokeFunction"),
                              [&deps](const Context& context, l::InvocationRequest input) {
                                return invoke(deps, context, std::move(input));
                              });
}

}  // namespace services::lambda
