// Custom::* and AWS::CloudFormation::CustomResource: a function is asked to make, change or remove
// something and answers to a presigned URL.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/lambda/operations.h"
#include "stacks/engine.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::lambda::op;

constexpr std::int64_t kTimeoutSecondsMax = 3600;  // AWS's limit, and what counts if none is given

struct Answer {
  bool succeeded = false;
  bool answered = false;  // by the function itself, not by its failing
  std::string reason;
  std::string physical_id;
  Value data = Value::object();
};

// A member of an object inside Data is "Outer.Inner" to Fn::GetAtt.
void flatten(Value& out, const std::string& prefix, const Value& data) {
  for (std::size_t i = 0; i < data.size() && data.is_object(); ++i) {
    const std::string name = prefix + data.keys()[i];
    out.set(name, data.items()[i]);
    if (data.items()[i].is_object()) flatten(out, name + ".", data.items()[i]);
  }
}

Answer read_answer(const StepContext& context, const std::string& body) {
  Answer answer;
  const auto value = parse_json(body);
  if (!value || !value->is_object()) {
    answer.reason = "Invalid Response object: the response is not a JSON object";
    return answer;
  }
  answer.answered = !value->has("Millrace.FunctionFailed");
  answer.physical_id = value->text_of("PhysicalResourceId");
  answer.reason = value->text_of("Reason");
  const std::string status = value->text_of("Status");
  if (const Value* data = value->find("Data"); data != nullptr && data->is_object())
    flatten(answer.data, "", *data);
  if (!answer.answered) return answer;
  if (value->text_of("StackId") != context.stack_id ||
      value->text_of("LogicalResourceId") != context.logical_id ||
      value->text_of("RequestId") != context.token) {
    answer.reason =
        "Invalid Response object: StackId, RequestId and LogicalResourceId must be those of the "
        "request";
    return answer;
  }
  answer.succeeded = status == "SUCCESS";
  if (!answer.succeeded && status != "FAILED")
    answer.reason = "Invalid Response object: Value of property Status must be SUCCESS or FAILED";
  else if (!answer.succeeded)
    answer.reason = fmt::format(
        "Received response status [FAILED] from custom resource. Message returned: {} (RequestId: "
        "{})",
        answer.reason, context.token);
  return answer;
}

// Calls the function and waits for its end. A function that ends in an error will not answer any
// more: the wait is told, instead of lasting an hour. What it answered before that stands first in
// the channel.
async::Task<void> call_function(const wire::Caller& caller, wire::Context call, std::string arn,
                                std::string payload, ResponseChannel& channel, std::string token) {
  op::Invoke::Input input;
  input.function_name = std::move(arn);
  input.invocation_type = "RequestResponse";
  input.payload = std::move(payload);
  auto invoked = co_await caller.call<op::Invoke>(std::move(call), std::move(input));
  if (invoked && !invoked->function_error) co_return;
  std::string reason;
  if (!invoked) {
    reason = fmt::format("{} (Service: Lambda, Status Code: {}, Error Code: {})",
                         invoked.error().message, invoked.error().status, invoked.error().code);
  } else {
    const std::string text = invoked->payload.value_or("").substr(0, 2000);
    const auto error = parse_json(text);
    reason = "The function failed before it answered: " +
             (error && error->has("errorMessage") ? error->text_of("errorMessage") : text);
  }
  Value told = Value::object();
  told.set("Millrace.FunctionFailed", Value::boolean(true));
  told.set("Reason", Value::string(reason));
  channel.deliver(token, to_json(told));
}

class CustomResource final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value event = event_for(context, "Create", properties);
    auto answer = co_await ask(context, std::move(event), properties);
    if (!answer) co_return std::unexpected(answer.error());
    co_return made_from(context, *answer, "");
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    Value event = event_for(context, "Update", after);
    event.set("PhysicalResourceId", Value::string(before.id));
    event.set("OldResourceProperties", with_scalars_as_text(before.properties));
    auto answer = co_await ask(context, std::move(event), after);
    if (!answer) co_return std::unexpected(answer.error());
    auto made = made_from(context, *answer, before.id);
    if (made && made->failure) co_return std::unexpected(*made->failure);
    co_return made;
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    Value event = event_for(context, "Delete", physical.properties);
    event.set("PhysicalResourceId", Value::string(physical.id));
    auto answer = co_await ask(context, std::move(event), physical.properties);
    if (!answer) co_return std::unexpected(answer.error());
    if (!answer->succeeded) co_return refuse(answer->reason);
    co_return api::Outcome<void>();
  }

 private:
  static Value event_for(const StepContext& context, std::string_view type,
                         const Value& properties) {
    Value event = Value::object();
    event.set("RequestType", Value::string(std::string(type)));
    event.set("ServiceToken", Value::string(properties.text_of("ServiceToken")));
    event.set("ResponseURL",
              Value::string(context.responses->open(context.call.region, context.token)));
    event.set("StackId", Value::string(context.stack_id));
    event.set("RequestId", Value::string(context.token));
    event.set("LogicalResourceId", Value::string(context.logical_id));
    event.set("ResourceType", Value::string(context.type));
    Value shown = with_scalars_as_text(properties);
    shown.erase("ServiceTimeout");
    event.set("ResourceProperties", std::move(shown));
    return event;
  }

  static std::int64_t timeout_of(const Value& properties) {
    const std::string text = properties.text_of("ServiceTimeout");
    std::int64_t seconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    return seconds > 0 && seconds < kTimeoutSecondsMax ? seconds : kTimeoutSecondsMax;
  }

  static async::Task<api::Outcome<Answer>> ask(const StepContext& context, Value event,
                                               const Value& properties) {
    const std::string function = properties.text_of("ServiceToken");
    const auto arn = auth::parse_arn(function);
    if (!arn || arn->service != "lambda")
      co_return refuse(fmt::format(
          "Invalid service token: {}. Millrace takes the ARN of a Lambda function.", function));
    wire::Context call = context.call;
    call.region = std::string(arn->region);
    context.engine.spawn(call_function(context.caller, std::move(call), function, to_json(event),
                                       *context.responses, context.token));
    const auto deadline = context.clock.steady_now() + std::chrono::seconds(timeout_of(properties));
    const auto body = co_await context.responses->next(context.token, deadline, context.stop);
    context.responses->close(context.token);
    if (body) co_return read_answer(context, *body);
    if (context.stop.stop_requested()) co_return cancelled();
    Answer silence;
    silence.answered = true;
    silence.physical_id = context.name;
    silence.reason = fmt::format(
        "CloudFormation did not receive a response from your Custom Resource. Please check your "
        "logs for requestId [{}]. If you are using the Python cfn-response module, you may need to "
        "update your Lambda function code so that CloudFormation can attach the updated version.",
        context.token);
    co_return silence;
  }

  static api::Outcome<Made> made_from(const StepContext& context, const Answer& answer,
                                      const std::string& physical_id_before) {
    if (!answer.answered) return refuse(answer.reason);  // it did nothing that could be undone
    Made made{.physical_id = answer.physical_id.empty() ? physical_id_before : answer.physical_id,
              .attributes = answer.data,
              .failure = {}};
    if (made.physical_id.empty()) {
      made.physical_id = context.name;
      if (answer.succeeded) made.failure = refuse("Invalid PhysicalResourceId").error();
    }
    if (!answer.succeeded) made.failure = refuse(answer.reason).error();
    return made;
  }

  const ResourceSchema schema_{
      .type = "AWS::CloudFormation::CustomResource",
      .properties = {{"ServiceToken", OnChange::kUpdate, true}, {"ServiceTimeout"}},
      .unsupported = {},
      .attributes = {},
      .name = {},
      .any_property = true,
      .any_attribute = true};
};

}  // namespace

void add_custom(ResourceRegistry& registry) { registry.add(std::make_unique<CustomResource>()); }

}  // namespace stacks::resources
