// The engine's change sets: a plan kept until somebody executes it.

#include <fmt/format.h>

#include <algorithm>

#include "stacks/engine.h"
#include "stacks/engine_stack.h"
#include "store/for_each.h"

namespace stacks {

namespace {

std::unexpected<api::Error> invalid(std::string message) {
  return api::fail("ValidationError", 400, std::move(message));
}
std::unexpected<api::Error> not_found(const std::string& name_or_id) {
  return api::fail("ChangeSetNotFound", 404,
                   fmt::format("ChangeSet [{}] does not exist", name_or_id));
}

std::string_view name_of(PlannedChange::Action action) {
  switch (action) {
    case PlannedChange::Action::kAdd: return "Add";
    case PlannedChange::Action::kModify: return "Modify";
    case PlannedChange::Action::kRemove: return "Remove";
  }
  return "";
}
std::string_view name_of(Replacement replacement) {
  switch (replacement) {
    case Replacement::kFalse: return "False";
    case Replacement::kTrue: return "True";
    case Replacement::kConditional: return "Conditional";
  }
  return "";
}
std::string_view name_of(OnChange on_change) {
  switch (on_change) {
    case OnChange::kUpdate: return "Never";
    case OnChange::kConditional: return "Conditionally";
    case OnChange::kReplace: return "Always";
  }
  return "";
}

Value text(std::string_view value) { return Value::string(std::string(value)); }

// A ResourceChange in the API's own members, so that the service only has to fill its structure.
Value to_value(const PlannedChange& change) {
  Value made = Value::object();
  made.set("Action", text(name_of(change.action)));
  made.set("LogicalResourceId", text(change.id));
  made.set("ResourceType", text(change.type));
  if (!change.physical_id.empty()) made.set("PhysicalResourceId", text(change.physical_id));
  if (!change.policy_action.empty()) made.set("PolicyAction", text(change.policy_action));
  Value scope = Value::list();
  Value details = Value::list();
  if (change.action == PlannedChange::Action::kModify) {
    made.set("Replacement", text(name_of(change.replacement)));
    for (const ChangeDetail& detail : change.details) {
      const auto& seen = scope.items();
      if (std::find(seen.begin(), seen.end(), text(detail.attribute)) == seen.end())
        scope.push(text(detail.attribute));
      Value target = Value::object();
      target.set("Attribute", text(detail.attribute));
      if (!detail.property.empty()) target.set("Name", text(detail.property));
      target.set("RequiresRecreation", text(name_of(detail.on_change)));
      Value one = Value::object();
      one.set("Target", std::move(target));
      one.set("Evaluation", text(detail.is_dynamic ? "Dynamic" : "Static"));
      one.set("ChangeSource", text(detail.source));
      if (!detail.causing_entity.empty()) one.set("CausingEntity", text(detail.causing_entity));
      details.push(std::move(one));
    }
  }
  made.set("Scope", std::move(scope));
  made.set("Details", std::move(details));
  return made;
}

std::string uuid_of(const std::string& arn) { return arn.substr(arn.rfind('/') + 1); }

}  // namespace

async::Task<api::Outcome<ChangeSetRecord>> Engine::create_change_set(ChangeSetRequest request) {
  Engine* const self = this;
  auto made = co_await async::run_on(parts_.core, self->create_change_set_here(std::move(request)));
  co_return made;
}

async::Task<api::Outcome<Engine::StackPtr>> Engine::stack_for(const ChangeSetRequest& request) {
  StackPtr stack = lookup(request.caller.account_id, request.caller.region, request.stack);
  const bool creates = request.type == "CREATE";
  if (creates && stack && stack->record.status != "REVIEW_IN_PROGRESS")
    co_return invalid(fmt::format(
        "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
        request.stack, request.name));
  if (!creates && !stack)
    co_return invalid(fmt::format("Stack [{}] does not exist", request.stack));
  if (!creates &&
      (stack->record.is_busy() || stack->record.is_deleted() ||
       stack->record.status == "REVIEW_IN_PROGRESS" || stack->record.status == "ROLLBACK_COMPLETE"))
    co_return invalid(fmt::format("Stack:{} is in {} state and can not be updated.",
                                  stack->record.id, stack->record.status));
  if (stack) co_return stack;
  CreateRequest blank;
  blank.caller = request.caller;
  blank.name = request.stack;
  auto made = std::make_shared<Stack>();
  made->record = new_record(blank);
  made->record.status = "REVIEW_IN_PROGRESS";
  made->record.status_reason = "User Initiated";
  co_return made;
}

async::Task<api::Outcome<ChangeSetRecord>> Engine::create_change_set_here(
    ChangeSetRequest request) {
  auto target = co_await stack_for(request);
  if (!target) co_return std::unexpected(target.error());
  const StackPtr stack = *target;
  StackRecord& record = stack->record;
  const std::string& uuid = record.uuid;
  auto others = co_await list_change_sets_here(uuid);
  if (!others) co_return std::unexpected(others.error());
  for (const ChangeSetRecord& other : *others)
    if (other.name == request.name)
      co_return api::fail("AlreadyExistsException", 400,
                          fmt::format("ChangeSet {} cannot be created due to a mismatch with "
                                      "existing attribute Template",
                                      other.id));
  if (others->size() >= kChangeSetsMax)
    co_return api::fail("LimitExceededException", 400, "ChangeSet limit exceeded");
  auto before = co_await template_of(uuid);
  if (!before) co_return std::unexpected(api::internal_failure());
  if (request.use_previous_template) request.input.source = *before;
  const bool is_update = request.type != "CREATE";
  if (is_update && request.input.tags.empty()) request.input.tags = record.blueprint.tags;
  auto checked = check(record, request.input, is_update);
  if (!checked) co_return std::unexpected(checked.error());
  auto changes = plan_update(*stack, **checked);
  if (!changes) co_return std::unexpected(changes.error());

  ChangeSetRecord made;
  made.id = fmt::format("arn:aws:cloudformation:{}:{}:changeSet/{}/{}", record.region,
                        record.account, request.name, base::uuid(parts_.random));
  made.name = request.name;
  made.stack_id = record.id;
  made.type = request.type;
  made.description = request.description;
  made.on_failure = request.on_failure;
  made.created_ms = now_ms();
  made.target = (*checked)->blueprint;
  made.source = request.input.source;
  for (const PlannedChange& change : *changes) made.changes.push(to_value(change));
  const bool does_nothing =
      is_update && changes->empty() &&
      !differs_otherwise(record, made.target, *(*checked)->source, before->processed);
  made.status = does_nothing ? "FAILED" : "CREATE_COMPLETE";
  made.execution_status = does_nothing ? "UNAVAILABLE" : "AVAILABLE";
  if (does_nothing)
    made.status_reason =
        "The submitted information didn't contain changes. Submit different information to create "
        "a change set.";
  store::Batch batch;
  if (!stacks_.contains(uuid)) {
    stacks_[uuid] = stack;
    add_stack_event(batch, *stack);
  }
  batch.put(keys::stack(uuid), encode(record));
  batch.put(keys::change_set(uuid, uuid_of(made.id)), encode(made));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) co_return std::unexpected(api::internal_failure());
  co_return made;
}

async::Task<api::Outcome<std::vector<ChangeSetRecord>>> Engine::list_change_sets_here(
    std::string uuid) {
  std::vector<ChangeSetRecord> records;
  const base::Status read = co_await store::for_each_decoded(
      parts_.store, keys::change_sets(uuid), decode_change_set,
      [&records](ChangeSetRecord record) { records.push_back(std::move(record)); });
  if (!read) co_return std::unexpected(api::internal_failure());
  co_return records;
}

async::Task<api::Outcome<std::vector<ChangeSetRecord>>> Engine::list_change_sets(
    std::string account, std::string region, std::string name) {
  const Home home;
  co_await async::on(parts_.core);
  api::Outcome<std::vector<ChangeSetRecord>> outcome;
  if (const StackPtr stack = lookup(account, region, name))
    outcome = co_await list_change_sets_here(stack->record.uuid);
  else outcome = invalid(fmt::format("Stack [{}] does not exist", name));
  co_await home.back();
  co_return outcome;
}

async::Task<api::Outcome<ChangeSetRecord>> Engine::find_change_set(std::string account,
                                                                   std::string region,
                                                                   std::string stack,
                                                                   std::string name_or_id) {
  Engine* const self = this;
  auto found = co_await async::run_on(
      parts_.core, self->find_change_set_here(std::move(account), std::move(region),
                                              std::move(stack), std::move(name_or_id)));
  co_return found;
}

async::Task<api::Outcome<ChangeSetRecord>> Engine::find_change_set_here(std::string account,
                                                                        std::string region,
                                                                        std::string name,
                                                                        std::string name_or_id) {
  const bool by_arn = name_or_id.starts_with("arn:");
  if (name.empty() && !by_arn)
    co_return invalid("StackName must be specified if ChangeSetName is not specified as an ARN.");
  std::vector<StackPtr> candidates;
  if (name.empty()) {
    for (const auto& [uuid, stack] : stacks_)
      if (stack->record.account == account && stack->record.region == region)
        candidates.push_back(stack);
  } else if (const StackPtr stack = lookup(account, region, name)) {
    candidates.push_back(stack);
  } else {
    co_return invalid(fmt::format("Stack [{}] does not exist", name));
  }
  for (const StackPtr& stack : candidates) {
    auto records = co_await list_change_sets_here(stack->record.uuid);
    if (!records) co_return std::unexpected(records.error());
    for (ChangeSetRecord& record : *records)
      if (by_arn ? record.id == name_or_id : record.name == name_or_id) co_return std::move(record);
  }
  co_return not_found(name_or_id);
}

async::Task<api::Outcome<void>> Engine::delete_change_set(std::string account, std::string region,
                                                          std::string stack,
                                                          std::string name_or_id) {
  Engine* const self = this;
  auto deleted = co_await async::run_on(
      parts_.core, self->delete_change_set_here(std::move(account), std::move(region),
                                                std::move(stack), std::move(name_or_id)));
  co_return deleted;
}

async::Task<api::Outcome<void>> Engine::delete_change_set_here(std::string account,
                                                               std::string region,
                                                               std::string stack,
                                                               std::string name_or_id) {
  auto found = co_await find_change_set_here(account, region, std::move(stack), name_or_id);
  if (!found && found.error().code == "ChangeSetNotFound") co_return api::Outcome<void>();
  if (!found) co_return std::unexpected(found.error());
  if (found->execution_status == "EXECUTE_IN_PROGRESS")
    co_return api::fail("InvalidChangeSetStatus", 400,
                        fmt::format("ChangeSet [{}] cannot be deleted in its current status of "
                                    "[{}]",
                                    found->id, found->status));
  store::Batch batch;
  batch.erase(keys::change_set(uuid_of(found->stack_id), uuid_of(found->id)));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) co_return std::unexpected(api::internal_failure());
  co_return api::Outcome<void>();
}

async::Task<api::Outcome<void>> Engine::execute_change_set(wire::Context caller, std::string stack,
                                                           std::string name_or_id,
                                                           std::optional<bool> disable_rollback,
                                                           std::string client_token) {
  Engine* const self = this;
  auto executed = co_await async::run_on(
      parts_.core,
      self->execute_change_set_here(std::move(caller), std::move(stack), std::move(name_or_id),
                                    disable_rollback, std::move(client_token)));
  co_return executed;
}

async::Task<api::Outcome<void>> Engine::execute_change_set_here(
    wire::Context caller, std::string name, std::string name_or_id,
    std::optional<bool> disable_rollback, std::string client_token) {
  auto found = co_await find_change_set_here(caller.account_id, caller.region, name, name_or_id);
  if (!found) co_return std::unexpected(found.error());
  const StackPtr stack = by_id(found->stack_id);
  if (found->execution_status != "AVAILABLE" || !stack)
    co_return api::fail("InvalidChangeSetStatus", 400,
                        fmt::format("ChangeSet [{}] cannot be executed in its current status of "
                                    "[{}]",
                                    found->id, found->status));
  StackRecord& record = stack->record;
  if (record.is_busy())
    co_return invalid(
        fmt::format("Stack:{} is in {} state and can not be updated.", record.id, record.status));
  found->execution_status = "EXECUTE_COMPLETE";
  record.change_set_id = found->id;
  const bool keeps_failures = disable_rollback.value_or(found->on_failure == "DO_NOTHING");
  auto others = co_await list_change_sets_here(record.uuid);
  if (!others) co_return std::unexpected(others.error());
  store::Batch batch;
  for (ChangeSetRecord& other : *others) {
    // Executing one makes the others' plans worthless; AWS deletes them.
    if (other.id == found->id) continue;
    batch.erase(keys::change_set(record.uuid, uuid_of(other.id)));
  }
  batch.put(keys::change_set(record.uuid, uuid_of(found->id)), encode(*found));
  if (record.is_busy())
    co_return invalid(
        fmt::format("Stack:{} is in {} state and can not be updated.", record.id, record.status));
  if (found->type != "CREATE") {
    // The change set's own record follows the operation: a crash between them shows it as still
    // available, and executing it again finds the stack busy or nothing to do.
    auto begun = co_await begin_update(stack, caller, found->target, found->source, keeps_failures,
                                       std::move(client_token));
    if (!begun) co_return begun;
    const auto stored = co_await parts_.store.commit(std::move(batch));
    if (!stored) co_return std::unexpected(api::internal_failure());
    co_return api::Outcome<void>();
  }
  record.blueprint = found->target;
  record.status = "CREATE_IN_PROGRESS";
  record.status_reason = "User Initiated";
  record.disable_rollback = keeps_failures;
  Operation operation;
  operation.kind = Operation::Kind::kCreate;
  operation.id = base::uuid(parts_.random);
  operation.client_token = std::move(client_token);
  operation.principal = *caller.principal;
  operation.principal.invoked_by = "cloudformation.amazonaws.com";
  operation.on_failure = keeps_failures              ? "DO_NOTHING"
                         : found->on_failure.empty() ? "ROLLBACK"
                                                     : found->on_failure;
  record.operation = std::move(operation);
  batch.put(keys::current_template(record.uuid), encode(found->source));
  auto begun = co_await begin(stack, std::move(batch));
  co_return begun;
}

}  // namespace stacks
