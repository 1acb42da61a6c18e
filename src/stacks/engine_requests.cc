#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stacks/engine.h"
#include "stacks/engine_stack.h"
#include "stacks/ground.h"

namespace stacks {

namespace {

std::unexpected<api::Error> invalid(std::string message) {
  return api::fail("ValidationError", 400, std::move(message));
}

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// "AWS::EC2::*" allows every type that starts so.
bool is_allowed_type(const std::vector<std::string>& allowed, const std::string& type) {
  if (allowed.empty()) return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
    if (one.ends_with("::*")) return type.starts_with(one.substr(0, one.size() - 1));
    return one == "*" || one == type;
  });
}

bool is_stable(const std::string& status) {
  static constexpr std::string_view kStable[] = {"CREATE_COMPLETE", "UPDATE_COMPLETE",
                                                 "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED",
                                                 "IMPORT_COMPLETE"};
  return std::find(std::begin(kStable), std::end(kStable), status) != std::end(kStable);
}

Operation new_operation(Operation::Kind kind, const wire::Context& caller,
                        const std::string& client_token, base::Random& random) {
  Operation operation;
  operation.kind = kind;
  operation.id = base::uuid(random);
  operation.client_token = client_token;
  operation.principal = *caller.principal;
  operation.principal.invoked_by = "cloudformation.amazonaws.com";
  return operation;
}

std::map<std::string, std::string> values_of(const std::vector<StoredParameter>& stored) {
  std::map<std::string, std::string> values;
  for (const StoredParameter& one : stored) values[one.name] = one.text;
  return values;
}

}  // namespace

api::Outcome<void> Engine::check_capabilities(const Template& source,
                                              const StackInput& input) const {
  const NeededCapabilities needed = needed_capabilities(source);
  if (needed.capabilities.empty()) return {};
  const std::string& capability = needed.capabilities.front();
  if (contains(input.capabilities, "CAPABILITY_NAMED_IAM") ||
      contains(input.capabilities, capability))
    return {};
  return api::fail("InsufficientCapabilitiesException", 400,
                   fmt::format("Requires capabilities : [{}]", capability));
}

api::Outcome<std::unique_ptr<Engine::Checked>> Engine::check(const StackRecord& record,
                                                             const StackInput& input,
                                                             bool is_update) const {
  auto source = parse_template(input.source.processed);
  if (!source) return invalid(source.error().message);
  for (const std::string& transform : source->transforms)
    if (transform != "AWS::LanguageExtensions")
      return invalid(fmt::format("Transform {} is not supported by Millrace", transform));
  if (!source->rules.is_null())
    return invalid(
        "The Rules section is not supported by Millrace; check parameters with "
        "AllowedValues or AllowedPattern instead");
  if (const auto types = check_types(*source, parts_.registry); !types)
    return invalid(types.error().message);
  for (const ResourceDeclaration& resource : source->resources)
    if (!is_allowed_type(input.resource_types, resource.type))
      return invalid(fmt::format("Resource type {} is not allowed by parameter ResourceTypes [{}]",
                                 resource.type, fmt::join(input.resource_types, ", ")));
  auto checked = std::make_unique<Checked>();
  checked->source = std::make_shared<const Template>(*std::move(source));
  auto bound = bind_parameters(
      *checked->source, input.parameters,
      is_update ? values_of(record.blueprint.parameters) : std::map<std::string, std::string>());
  if (!bound) return invalid(bound.error().message);
  checked->parameters = *std::move(bound);
  Blueprint& blueprint = checked->blueprint;
  blueprint.parameters = to_stored(checked->parameters);
  blueprint.tags = input.tags;
  blueprint.capabilities = input.capabilities;
  blueprint.notification_arns = input.notification_arns;
  blueprint.role_arn = input.role_arn;
  blueprint.description = checked->source->description;
  Scope& scope = checked->scope;
  scope.source = checked->source.get();
  scope.parameters = &checked->parameters;
  scope.pseudo = pseudo_of(record, blueprint);
  scope.exported = [this, account = record.account, region = record.region](
                       const std::string& name) { return exported(account, region, name); };
  auto conditions = evaluate_conditions(scope);
  if (!conditions) return invalid(conditions.error().message);
  scope.conditions = *std::move(conditions);
  if (const auto referred = check_left_out(scope); !referred)
    return invalid(referred.error().message);
  for (const ResourceDeclaration& resource : checked->source->resources) {
    if (!condition_holds(resource.condition, scope)) continue;
    // What a function can never do is the template's fault; a missing export is the stack's.
    const auto resolved = resolve(resource.properties, scope);
    if (!resolved && resolved.error().message.starts_with("Template "))
      return invalid(resolved.error().message);
  }
  if (const auto capable = check_capabilities(*checked->source, input); !capable)
    return std::unexpected(capable.error());
  return checked;
}

StackRecord Engine::new_record(const CreateRequest& request) const {
  StackRecord record;
  record.uuid = base::uuid(parts_.random);
  record.name = request.name;
  record.account = request.caller.account_id;
  record.region = request.caller.region;
  record.id = fmt::format("arn:aws:cloudformation:{}:{}:stack/{}/{}", record.region, record.account,
                          record.name, record.uuid);
  record.created_ms = now_ms();
  record.timeout_minutes = request.timeout_minutes;
  record.disable_rollback = request.disable_rollback || request.on_failure == "DO_NOTHING";
  record.termination_protection = request.termination_protection;
  record.stack_policy = request.stack_policy;
  record.parent_id = request.parent_id;
  record.root_id = request.root_id;
  return record;
}

async::Task<api::Outcome<std::string>> Engine::create(CreateRequest request) {
  Engine* const self = this;
  auto made = co_await async::run_on(parts_.core, self->create_here(std::move(request)));
  co_return made;
}

async::Task<api::Outcome<std::string>> Engine::create_here(CreateRequest request) {
  const std::string& account = request.caller.account_id;
  const std::string& region = request.caller.region;
  if (const StackPtr existing = lookup(account, region, request.name)) {
    if (!request.client_token.empty() && existing->record.operation &&
        existing->record.operation->kind == Operation::Kind::kCreate &&
        existing->record.operation->client_token == request.client_token)
      co_return existing->record.id;  // the same request once more
    co_return api::fail("AlreadyExistsException", 400,
                        fmt::format("Stack [{}] already exists", request.name));
  }
  const auto live = std::count_if(stacks_.begin(), stacks_.end(), [&](const auto& one) {
    const StackRecord& record = one.second->record;
    return record.account == account && record.region == region && !record.is_deleted();
  });
  if (static_cast<std::size_t>(live) >= kStacksMax)
    co_return api::fail("LimitExceededException", 400,
                        fmt::format("stack: limit of {} exceeded", kStacksMax));
  StackRecord record = new_record(request);
  auto checked = check(record, request.input, false);
  if (!checked) co_return std::unexpected(checked.error());
  auto stack = std::make_shared<Stack>();
  record.blueprint = (*checked)->blueprint;
  record.status = "CREATE_IN_PROGRESS";
  record.status_reason = "User Initiated";
  Operation operation =
      new_operation(Operation::Kind::kCreate, request.caller, request.client_token, parts_.random);
  operation.on_failure = request.disable_rollback ? "DO_NOTHING" : request.on_failure;
  operation.retain_except_on_create = request.retain_except_on_create;
  if (request.timeout_minutes > 0)
    operation.deadline_ms = record.created_ms + request.timeout_minutes * 60'000;
  record.operation = std::move(operation);
  stack->record = std::move(record);
  store::Batch batch;
  batch.put(keys::current_template(stack->record.uuid), encode(request.input.source));
  stacks_[stack->record.uuid] = stack;
  const auto begun = co_await begin(stack, std::move(batch));
  if (!begun) {
    stacks_.erase(stack->record.uuid);
    co_return std::unexpected(begun.error());
  }
  co_return stack->record.id;
}

api::Outcome<std::vector<PlannedChange>> Engine::plan_update(const Stack& stack,
                                                             const Checked& checked) const {
  auto changes = plan_changes(
      {.after = checked.scope, .records = stack.resources, .registry = parts_.registry});
  if (!changes) return invalid(changes.error().message);
  return *std::move(changes);
}

bool differs_otherwise(const StackRecord& record, const Blueprint& after, const Template& now,
                       const std::string& before_text) {
  if (record.blueprint.tags != after.tags || record.blueprint.role_arn != after.role_arn ||
      record.blueprint.notification_arns != after.notification_arns)
    return true;
  const auto before = parse_template(before_text);
  if (!before) return true;
  const Value* old_outputs = before->document.find("Outputs");
  const Value* new_outputs = now.document.find("Outputs");
  if ((old_outputs == nullptr) != (new_outputs == nullptr)) return true;
  return old_outputs != nullptr && !(*old_outputs == *new_outputs);
}

async::Task<api::Outcome<std::string>> Engine::update(UpdateRequest request) {
  Engine* const self = this;
  auto updated = co_await async::run_on(parts_.core, self->update_here(std::move(request)));
  co_return updated;
}

async::Task<api::Outcome<std::string>> Engine::update_here(UpdateRequest request) {
  const StackPtr stack = lookup(request.caller.account_id, request.caller.region, request.stack);
  if (!stack || stack->record.is_deleted())
    co_return invalid(fmt::format("Stack [{}] does not exist", request.stack));
  StackRecord& record = stack->record;
  if (record.is_busy() || !is_stable(record.status))
    co_return invalid(
        fmt::format("Stack:{} is in {} state and can not be updated.", record.id, record.status));
  auto before = co_await template_of(record.uuid);
  if (!before) co_return std::unexpected(api::internal_failure());
  if (request.use_previous_template) request.input.source = *before;
  request.input.tags = request.tags.value_or(record.blueprint.tags);
  if (request.input.role_arn.empty()) request.input.role_arn = record.blueprint.role_arn;
  auto checked = check(record, request.input, true);
  if (!checked) co_return std::unexpected(checked.error());
  auto changes = plan_update(*stack, **checked);
  if (!changes) co_return std::unexpected(changes.error());
  if (changes->empty() && record.status != "UPDATE_FAILED" &&
      !differs_otherwise(record, (*checked)->blueprint, *(*checked)->source, before->processed))
    co_return invalid("No updates are to be performed.");
  // Another request may have come first while the template was read.
  if (record.is_busy())
    co_return invalid(
        fmt::format("Stack:{} is in {} state and can not be updated.", record.id, record.status));
  if (request.disable_rollback) record.disable_rollback = *request.disable_rollback;
  const auto begun =
      co_await begin_update(stack, request.caller, (*checked)->blueprint, request.input.source,
                            request.disable_rollback.value_or(false), request.client_token);
  if (!begun) co_return std::unexpected(begun.error());
  co_return record.id;
}

async::Task<api::Outcome<void>> Engine::begin_update(StackPtr stack, const wire::Context& caller,
                                                     Blueprint target, TemplateText source,
                                                     bool keeps_failures,
                                                     std::string client_token) {
  StackRecord& record = stack->record;
  Operation operation =
      new_operation(Operation::Kind::kUpdate, caller, client_token, parts_.random);
  operation.on_failure = keeps_failures ? "DO_NOTHING" : "ROLLBACK";
  operation.target = std::move(target);
  record.operation = std::move(operation);
  record.status = "UPDATE_IN_PROGRESS";
  record.status_reason = "User Initiated";
  record.updated_ms = now_ms();
  store::Batch batch;
  batch.put(keys::target_template(record.uuid), encode(source));
  for (auto& [id, resource] : stack->resources) {
    resource.is_touched = false;
    resource.step.reset();
    batch.put(keys::resource(record.uuid, id), encode(resource));
  }
  auto begun = co_await begin(std::move(stack), std::move(batch));
  co_return begun;
}

async::Task<api::Outcome<void>> Engine::remove(DeleteRequest request) {
  Engine* const self = this;
  auto removed = co_await async::run_on(parts_.core, self->remove_here(std::move(request)));
  co_return removed;
}

async::Task<api::Outcome<void>> Engine::remove_here(DeleteRequest request) {
  const StackPtr stack = lookup(request.caller.account_id, request.caller.region, request.stack);
  if (!stack || stack->record.is_deleted()) co_return api::Outcome<void>();
  StackRecord& record = stack->record;
  if (record.termination_protection && record.parent_id.empty())
    co_return invalid(fmt::format(
        "Stack [{}] cannot be deleted while TerminationProtection is enabled", record.name));
  if (!request.retain.empty() && record.status != "DELETE_FAILED")
    co_return invalid(fmt::format(
        "Invalid operation on stack [{}]. Resources can be retained only when the stack is in the "
        "DELETE_FAILED state.",
        record.id));
  if (record.operation && record.operation->kind == Operation::Kind::kDelete)
    co_return api::Outcome<void>();  // already on its way
  if (record.operation && record.operation->kind == Operation::Kind::kUpdate)
    co_return invalid(
        fmt::format("Stack:{} is in {} state and can not be deleted.", record.id, record.status));
  Operation operation =
      new_operation(Operation::Kind::kDelete, request.caller, request.client_token, parts_.random);
  operation.retain = request.retain;
  record.operation = std::move(operation);
  if (!request.role_arn.empty()) record.blueprint.role_arn = request.role_arn;
  record.status = "DELETE_IN_PROGRESS";
  record.status_reason = "User Initiated";
  store::Batch batch;
  for (auto& [id, resource] : stack->resources)
    if (resource.status == "DELETE_FAILED") resource.is_touched = false;
  stack->cancel.request_stop();  // whatever creation is under way
  auto begun = co_await begin(stack, std::move(batch));
  co_return begun;
}

async::Task<api::Outcome<void>> Engine::cancel_update(wire::Context caller, std::string name) {
  const Home home;
  co_await async::on(parts_.core);
  const StackPtr stack = lookup(caller.account_id, caller.region, name);
  api::Outcome<void> outcome;
  if (!stack || stack->record.is_deleted()) {
    outcome = invalid(fmt::format("Stack [{}] does not exist", name));
  } else if (stack->record.status != "UPDATE_IN_PROGRESS") {
    outcome = invalid(fmt::format("CancelUpdateStack cannot be called from current stack status"));
  } else {
    stack->cancel.request_stop();
  }
  co_await home.back();
  co_return outcome;
}

async::Task<api::Outcome<void>> Engine::continue_rollback(wire::Context caller, std::string name,
                                                          std::vector<std::string> skip,
                                                          std::string client_token) {
  const Home home;
  co_await async::on(parts_.core);
  auto outcome = co_await roll_back_here(caller, std::move(name), "UPDATE_ROLLBACK_FAILED",
                                         std::move(skip), std::move(client_token));
  co_await home.back();
  co_return outcome;
}

async::Task<api::Outcome<std::string>> Engine::roll_back(wire::Context caller, std::string name,
                                                         std::string client_token) {
  const Home home;
  co_await async::on(parts_.core);
  const StackPtr stack = lookup(caller.account_id, caller.region, name);
  const std::string id = stack ? stack->record.id : "";
  const std::string status = stack ? stack->record.status : "";
  const bool may = status == "CREATE_FAILED" || status == "UPDATE_FAILED";
  auto outcome = co_await roll_back_here(caller, name, may ? status : "UPDATE_FAILED", {},
                                         std::move(client_token));
  co_await home.back();
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return id;
}

async::Task<api::Outcome<void>> Engine::roll_back_here(const wire::Context& caller,
                                                       std::string name, std::string from_status,
                                                       std::vector<std::string> skip,
                                                       std::string client_token) {
  const StackPtr stack = lookup(caller.account_id, caller.region, name);
  if (!stack || stack->record.is_deleted())
    co_return invalid(fmt::format("Stack [{}] does not exist", name));
  StackRecord& record = stack->record;
  if (record.status != from_status || record.is_busy())
    co_return invalid(fmt::format("Stack:{} is in {} state and can not be rolled back.", record.id,
                                  record.status));
  const bool of_create = from_status == "CREATE_FAILED";
  Operation operation =
      new_operation(of_create ? Operation::Kind::kCreate : Operation::Kind::kUpdate, caller,
                    client_token, parts_.random);
  operation.phase = Operation::Phase::kRollback;
  operation.on_failure = "ROLLBACK";
  operation.retain = std::move(skip);
  operation.reason = record.status_reason;
  record.operation = std::move(operation);
  record.status = of_create ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS";
  record.status_reason = "User Initiated";
  auto begun = co_await begin(stack, {});
  co_return begun;
}

async::Task<api::Outcome<std::string>> Engine::set_termination_protection(std::string account,
                                                                          std::string region,
                                                                          std::string name,
                                                                          bool on) {
  const Home home;
  co_await async::on(parts_.core);
  const StackPtr stack = lookup(account, region, name);
  api::Outcome<std::string> outcome;
  if (!stack || stack->record.is_deleted()) {
    outcome = invalid(fmt::format("Stack [{}] does not exist", name));
  } else {
    stack->record.termination_protection = on;
    store::Batch batch;
    batch.put(keys::stack(stack->record.uuid), encode(stack->record));
    const auto stored = co_await parts_.store.commit(std::move(batch));
    outcome = stack->record.id;
    if (!stored) outcome = std::unexpected(api::internal_failure());
  }
  co_await home.back();
  co_return outcome;
}

async::Task<api::Outcome<void>> Engine::set_policy(std::string account, std::string region,
                                                   std::string name, std::string policy) {
  const Home home;
  co_await async::on(parts_.core);
  const StackPtr stack = lookup(account, region, name);
  api::Outcome<void> outcome;
  if (!stack || stack->record.is_deleted()) {
    outcome = invalid(fmt::format("Stack [{}] does not exist", name));
  } else {
    stack->record.stack_policy = std::move(policy);
    store::Batch batch;
    batch.put(keys::stack(stack->record.uuid), encode(stack->record));
    const auto stored = co_await parts_.store.commit(std::move(batch));
    if (!stored) outcome = std::unexpected(api::internal_failure());
  }
  co_await home.back();
  co_return outcome;
}

}  // namespace stacks
