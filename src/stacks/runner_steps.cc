#include <fmt/format.h>

#include <algorithm>

#include "base/time_text.h"
#include "stacks/runner.h"

namespace stacks {

namespace {

std::string_view handler_error_code(const api::Error& error) {
  const std::string& code = error.code;
  const auto has = [&](std::string_view part) { return code.find(part) != std::string::npos; };
  if (has("AccessDenied") || has("Unauthorized")) return "AccessDenied";
  if (has("AlreadyExists") || has("EntityAlreadyExists") || has("ResourceInUse"))
    return "AlreadyExists";
  if (has("NotFound") || has("NoSuch")) return "NotFound";
  if (has("LimitExceeded")) return "ServiceLimitExceeded";
  if (has("Throttl")) return "Throttling";
  if (error.status >= 500) return "ServiceInternalError";
  if (has("Validation") || has("Invalid") || has("Malformed")) return "InvalidRequest";
  return "GeneralServiceException";
}

// "Kinesis" of "AWS::Kinesis::Stream".
std::string_view service_of(std::string_view type) {
  const auto start = type.find("::");
  if (start == std::string_view::npos) return type;
  type.remove_prefix(start + 2);
  return type.substr(0, type.find("::"));
}

}  // namespace

std::string Runner::reason_of(const api::Error& error, const std::string& token) const {
  if (error.code.empty()) return error.message;  // worded by the handler itself
  return fmt::format(
      "Resource handler returned message: \"{} (Service: {}, Status Code: {}, Error Code: {})\" "
      "(RequestToken: {}, HandlerErrorCode: {})",
      error.message, service_of(token.substr(token.find('|') + 1)), error.status, error.code,
      token.substr(0, token.find('|')), handler_error_code(error));
}

EventRecord Runner::event_of(const ResourceRecord& record, const std::string& shown) const {
  EventRecord event;
  event.logical_id = record.id;
  event.physical_id = record.now.id;
  event.type = record.type;
  event.status = record.status;
  event.reason = record.reason;
  event.properties = shown;
  return event;
}

StepContext Runner::context_of(const ResourceRecord& record) const {
  const StackRecord& stack = stack_->record;
  wire::Context call;
  call.principal = principal_;
  call.account_id = stack.account;
  call.region = stack.region;
  call.request_id = base::uuid(parts_.random);
  call.facts.region = stack.region;
  call.facts.source_ip = "cloudformation.amazonaws.com";
  call.facts.user_agent = "cloudformation.amazonaws.com";
  call.facts.secure_transport = true;
  call.facts.called_via = {"cloudformation.amazonaws.com"};
  const Step step = record.step.value_or(Step());
  const Blueprint& blueprint =
      stack.operation && stack.operation->target ? *stack.operation->target : stack.blueprint;
  const ResourceHandler* handler = parts_.registry.find(record.type);
  const std::string_view property = handler == nullptr ? "" : handler->schema().name.property;
  return StepContext{.caller = parts_.caller,
                     .call = std::move(call),
                     .engine = engine_,
                     .responses = &parts_.responses,
                     .clock = parts_.clock,
                     .random = parts_.random,
                     .stack_id = stack.id,
                     .stack_name = stack.name,
                     .logical_id = record.id,
                     .type = record.type,
                     .token = step.token,
                     .name = step.name,
                     .name_is_given = !property.empty() && step.properties.has(property),
                     .stack_tags = blueprint.tags,
                     .prepared = step.prepared,
                     .retried = false,
                     .started = base::from_epoch_ms(record.changed_ms),
                     .stop = stack_->cancel.get_token()};
}

void Runner::describe(ResourceRecord& record, const ResourceDeclaration& declaration) const {
  record.id = declaration.id;
  record.type = declaration.type;
  record.deletion_policy = declaration.deletion_policy;
  record.update_replace_policy = declaration.update_replace_policy;
  record.metadata = declaration.metadata;
  record.depends_on.clear();
  const auto graph = active_graph(ground_->scope);
  if (const auto found = graph->find(declaration.id); found != graph->end())
    record.depends_on.assign(found->second.begin(), found->second.end());
}

async::Task<StepOutcome> Runner::save(ResourceRecord& record, std::string status,
                                      std::string reason, std::string shown) {
  record.status = std::move(status);
  record.reason = std::move(reason);
  record.changed_ms = engine_.now_ms();
  store::Batch batch;
  engine_.add_event(batch, *stack_, event_of(record, shown));
  batch.put(keys::resource(stack_->record.uuid, record.id), encode(record));
  const bool stored = co_await commit(std::move(batch));
  co_return stored ? StepOutcome::kDone : StepOutcome::kStopped;
}

async::Task<StepOutcome> Runner::fail_step(ResourceRecord& record, std::string status,
                                           std::string reason, std::string shown) {
  failures_[record.id] = reason;
  record.step.reset();
  record.is_touched = true;
  const auto saved = co_await save(record, std::move(status), std::move(reason), std::move(shown));
  co_return saved == StepOutcome::kDone ? StepOutcome::kFailed : saved;
}

async::Task<base::Status> Runner::begin_step(ResourceRecord& record, Step::Kind kind,
                                             Value properties, std::string status,
                                             std::string reason, std::string shown) {
  const ResourceHandler& handler = *parts_.registry.find(record.type);
  const NameRule& rule = handler.schema().name;
  Step step;
  step.kind = kind;
  step.token = base::uuid(parts_.random);
  step.name = rule.property.empty() ? "" : properties.text_of(rule.property);
  if (step.name.empty())
    step.name = physical_name(rule, stack_->record.name, record.id, parts_.random);
  step.properties = std::move(properties);
  record.step = std::move(step);
  record.changed_ms = engine_.now_ms();
  base::Status status_of_preparation;
  if (kind == Step::Kind::kCreate || kind == Step::Kind::kReplace) {
    const StepContext context = context_of(record);
    auto prepared = co_await handler.prepare(context, record.step->properties);
    if (prepared) record.step->prepared = *std::move(prepared);
    else
      status_of_preparation =
          base::error(base::ErrorCode::kInvalidArgument,
                      reason_of(prepared.error(), context.token + "|" + record.type));
  }
  // The event comes first either way: a failure is a failure of something that had begun.
  const auto saved = co_await save(record, std::move(status), std::move(reason), std::move(shown));
  if (saved != StepOutcome::kDone)
    co_return base::error(base::ErrorCode::kUnavailable, "the store failed");
  co_return status_of_preparation;
}

// Answers what became of the pending step. While the server stops, nothing is recorded: the step is
// tried again after the restart.
async::Task<StepOutcome> Runner::make(ResourceRecord& record, std::string verb, std::string shown) {
  const ResourceHandler& handler = *parts_.registry.find(record.type);
  StepContext context = context_of(record);
  context.retried = record.changed_ms != 0 && retried_.contains(record.id);
  const bool replaces = record.step->kind == Step::Kind::kReplace;
  auto made = co_await handler.create(context, record.step->properties);
  if (is_stopping() && (!made || made->failure)) co_return StepOutcome::kStopped;
  if (!made) {
    std::string reason = reason_of(made.error(), context.token + "|" + record.type);
    if (made.error().code == kCancelledCode)
      reason = verb == "CREATE" ? "Resource creation cancelled" : "Resource update cancelled";
    const auto failed = co_await fail_step(record, verb + "_FAILED", reason, shown);
    co_return failed;
  }
  if (replaces) {
    record.leftovers.push_back(record.now);
    if (!record.before) record.before = record.now;
  }
  record.now.id = made->physical_id;
  record.now.attributes = std::move(made->attributes);
  record.now.properties = record.step->properties;
  if (made->failure) {  // made, but not as wanted: a rollback removes it
    const auto failed =
        co_await fail_step(record, verb + "_FAILED",
                           reason_of(*made->failure, context.token + "|" + record.type), shown);
    co_return failed;
  }
  record.step.reset();
  record.is_touched = true;
  store::Batch batch;
  record.changed_ms = engine_.now_ms();
  record.status = verb + "_IN_PROGRESS";
  record.reason = "Resource creation Initiated";
  engine_.add_event(batch, *stack_, event_of(record, shown));
  record.status = verb + "_COMPLETE";
  record.reason = "";
  engine_.add_event(batch, *stack_, event_of(record, shown));
  batch.put(keys::resource(stack_->record.uuid, record.id), encode(record));
  const bool stored = co_await commit(std::move(batch));
  co_return stored ? StepOutcome::kDone : StepOutcome::kStopped;
}

async::Task<StepOutcome> Runner::create_step(std::string id) {
  const ResourceDeclaration& declaration = *ground_->source->resource(id);
  ResourceRecord& record = stack_->resources[id];
  if (record.is_touched && record.status.ends_with("_FAILED")) {  // before a restart
    failures_[id] = record.reason;
    co_return StepOutcome::kFailed;
  }
  if (record.status.ends_with("_COMPLETE") && !record.now.id.empty()) co_return StepOutcome::kDone;
  const bool is_update = operation().kind == Operation::Kind::kUpdate;
  const std::string shown = shown_properties(declaration);
  if (record.step) {
    retried_.insert(id);
    const auto again = co_await make(record, "CREATE", shown);
    co_return again;
  }
  describe(record, declaration);
  record.is_new = is_update;
  if (!record.now.id.empty()) {  // what an earlier, failed update made of it
    record.leftovers.push_back(std::move(record.now));
    record.now = Physical();
  }
  const ResourceHandler* handler = parts_.registry.find(declaration.type);
  const auto properties = resolve(declaration.properties, ground_->scope);
  auto usable = properties ? base::Status() : base::Status(std::unexpected(properties.error()));
  if (usable) usable = check_properties(handler->schema(), id, *properties);
  if (usable && contains_unknown(*properties))
    usable = base::error(base::ErrorCode::kInternal, "a dependency has no value");
  base::Status begun;
  if (usable)
    begun = co_await begin_step(record, Step::Kind::kCreate, *properties, "CREATE_IN_PROGRESS", "",
                                shown);
  else co_await save(record, "CREATE_IN_PROGRESS", "", shown);
  if (is_broken_) co_return StepOutcome::kStopped;
  if (!usable || !begun) {
    const auto failed = co_await fail_step(
        record, "CREATE_FAILED", usable ? begun.error().message : usable.error().message, shown);
    co_return failed;
  }
  const auto outcome = co_await make(record, "CREATE", shown);
  co_return outcome;
}

async::Task<StepOutcome> Runner::update_step(std::string id) {
  const ResourceDeclaration& declaration = *ground_->source->resource(id);
  const auto found = stack_->resources.find(id);
  if (found == stack_->resources.end() || found->second.now.id.empty() || found->second.is_new) {
    const auto outcome = co_await create_step(id);
    co_return outcome;
  }
  ResourceRecord& record = found->second;
  if (record.is_touched) {  // before a restart
    if (!record.status.ends_with("_FAILED")) co_return StepOutcome::kDone;
    failures_[id] = record.reason;
    co_return StepOutcome::kFailed;
  }
  const std::string shown = shown_properties(declaration);
  const ResourceHandler& handler = *parts_.registry.find(declaration.type);
  if (record.step) {
    retried_.insert(id);
    const bool replaces = record.step->kind == Step::Kind::kReplace;
    auto again = replaces ? make(record, "UPDATE", shown)
                          : change_in_place(record, record.step->properties, shown);
    const auto outcome = co_await std::move(again);
    co_return outcome;
  }
  auto properties = resolve(declaration.properties, ground_->scope);
  auto usable = properties ? check_properties(handler.schema(), id, *properties)
                           : base::Status(std::unexpected(properties.error()));
  if (!usable) {
    const auto failed = co_await fail_step(record, "UPDATE_FAILED", usable.error().message, shown);
    co_return failed;
  }
  const auto changes = property_changes(handler.schema(), record.now.properties, *properties);
  const bool replaces = std::any_of(changes.begin(), changes.end(), [&](const auto& change) {
    return change.on_change == OnChange::kReplace ||
           (change.on_change == OnChange::kConditional &&
            handler.replaces(record.now.properties, *properties));
  });
  if (!record.before) record.before = record.now;
  describe(record, declaration);
  if (changes.empty()) {
    record.before.reset();
    record.is_touched = true;
    store::Batch batch;
    batch.put(keys::resource(stack_->record.uuid, id), encode(record));
    const bool stored = co_await commit(std::move(batch));
    co_return stored ? StepOutcome::kDone : StepOutcome::kStopped;
  }
  auto work = replaces ? replace(record, *std::move(properties), shown)
                       : change_in_place(record, *std::move(properties), shown);
  const auto outcome = co_await std::move(work);
  co_return outcome;
}

async::Task<StepOutcome> Runner::change_in_place(ResourceRecord& record, Value properties,
                                                 std::string shown) {
  const ResourceHandler& handler = *parts_.registry.find(record.type);
  if (!record.step) {
    const auto begun = co_await begin_step(record, Step::Kind::kUpdate, std::move(properties),
                                           "UPDATE_IN_PROGRESS", "", shown);
    if (!begun) co_return StepOutcome::kStopped;
  }
  StepContext context = context_of(record);
  context.retried = retried_.contains(record.id);
  const Physical before = record.now;
  auto made = co_await handler.update(context, before, record.step->properties);
  if (is_stopping() && (!made || made->failure)) co_return StepOutcome::kStopped;
  // Whatever came of it, this is what a rollback has to undo.
  record.now.properties = record.step->properties;
  record.is_touched = true;
  if (!made || made->failure) {
    const api::Error& error = made ? *made->failure : made.error();
    const std::string reason = error.code == kCancelledCode
                                   ? "Resource update cancelled"
                                   : reason_of(error, context.token + "|" + record.type);
    const auto failed = co_await fail_step(record, "UPDATE_FAILED", reason, shown);
    co_return failed;
  }
  if (made->physical_id != before.id) record.leftovers.push_back(before);
  record.now.id = made->physical_id;
  record.now.attributes = std::move(made->attributes);
  record.step.reset();
  const auto saved = co_await save(record, "UPDATE_COMPLETE", "", shown);
  co_return saved;
}

async::Task<StepOutcome> Runner::replace(ResourceRecord& record, Value properties,
                                         std::string shown) {
  const ResourceHandler& handler = *parts_.registry.find(record.type);
  const std::string_view named_by = handler.schema().name.property;
  const std::string name = named_by.empty() ? "" : properties.text_of(named_by);
  if (!name.empty() && name == record.now.properties.text_of(named_by)) {
    co_await save(record, "UPDATE_IN_PROGRESS", "", shown);
    const auto failed = co_await fail_step(
        record, "UPDATE_FAILED",
        fmt::format("CloudFormation cannot update a stack when a custom-named resource requires "
                    "replacing. Rename {} and update the stack again.",
                    name),
        shown);
    co_return failed;
  }
  const auto begun = co_await begin_step(
      record, Step::Kind::kReplace, std::move(properties), "UPDATE_IN_PROGRESS",
      "Requested update requires the creation of a new physical resource; hence creating one.",
      shown);
  if (is_broken_) co_return StepOutcome::kStopped;
  if (!begun) {
    const auto failed = co_await fail_step(record, "UPDATE_FAILED", begun.error().message, shown);
    co_return failed;
  }
  const auto outcome = co_await make(record, "UPDATE", shown);
  co_return outcome;
}

// A step whose outcome is not known (the process died in it) is done once more, so that what it may
// have made is known and can be removed.
async::Task<StepOutcome> Runner::settle(ResourceRecord& record) {
  if (!record.step ||
      (record.step->kind != Step::Kind::kCreate && record.step->kind != Step::Kind::kReplace)) {
    record.step.reset();
    co_return StepOutcome::kDone;
  }
  const ResourceHandler& handler = *parts_.registry.find(record.type);
  StepContext context = context_of(record);
  context.retried = true;
  auto made = co_await handler.create(context, record.step->properties);
  if (is_stopping()) co_return StepOutcome::kStopped;
  if (made) {
    if (record.step->kind == Step::Kind::kReplace) {
      record.leftovers.push_back({made->physical_id, record.step->properties, made->attributes});
    } else {
      record.now = {made->physical_id, record.step->properties, made->attributes};
    }
  }
  record.step.reset();
  store::Batch batch;
  batch.put(keys::resource(stack_->record.uuid, record.id), encode(record));
  const bool stored = co_await commit(std::move(batch));
  co_return stored ? StepOutcome::kDone : StepOutcome::kStopped;
}

async::Task<StepOutcome> Runner::revert_step(std::string id) {
  ResourceRecord& record = stack_->resources[id];
  const auto settled = co_await settle(record);
  if (settled != StepOutcome::kDone) co_return settled;
  if (record.is_new || !record.before) co_return StepOutcome::kDone;
  if (skips(record)) {
    record.before.reset();
    const auto skipped = co_await save(record, "UPDATE_COMPLETE", "Rollback skipped", "");
    co_return skipped;
  }
  const Physical before = *record.before;
  const bool same = same_to_services(before.properties, record.now.properties);
  co_await save(record, "UPDATE_IN_PROGRESS", "", "");
  if (is_broken_) co_return StepOutcome::kStopped;
  std::erase_if(record.leftovers, [&](const Physical& one) { return one.id == before.id; });
  if (record.now.id != before.id) {
    record.leftovers.push_back(record.now);
    record.now = before;
  } else if (!same) {
    const ResourceHandler& handler = *parts_.registry.find(record.type);
    StepContext context = context_of(record);
    context.token = base::uuid(parts_.random);
    const Physical now = record.now;
    auto made = co_await handler.update(context, now, before.properties);
    if (is_stopping() && (!made || made->failure)) co_return StepOutcome::kStopped;
    if (!made || made->failure) {
      const api::Error& error = made ? *made->failure : made.error();
      const auto failed = co_await fail_step(
          record, "UPDATE_FAILED", reason_of(error, context.token + "|" + record.type), "");
      co_return failed;
    }
    if (made->physical_id != now.id) record.leftovers.push_back(now);
    record.now = {made->physical_id, before.properties, std::move(made->attributes)};
  }
  record.before.reset();
  const auto saved = co_await save(record, "UPDATE_COMPLETE", "", "");
  co_return saved;
}

bool Runner::skips(const ResourceRecord& record) const {
  const auto& names = operation().retain;
  return std::find(names.begin(), names.end(), record.id) != names.end();
}

async::Task<StepOutcome> Runner::remove_physical(ResourceRecord& record, bool erase_record) {
  const ResourceHandler* handler = parts_.registry.find(record.type);
  if (!record.now.id.empty() && handler != nullptr) {
    Step step;
    step.kind = Step::Kind::kDelete;
    step.token = base::uuid(parts_.random);
    record.step = std::move(step);
    const auto begun = co_await save(record, "DELETE_IN_PROGRESS", "", "");
    if (begun != StepOutcome::kDone) co_return begun;
    const StepContext context = context_of(record);
    auto removed = co_await handler->remove(context, record.now);
    if (!removed && is_stopping()) co_return StepOutcome::kStopped;
    if (!removed) {
      const auto failed =
          co_await fail_step(record, "DELETE_FAILED",
                             reason_of(removed.error(), context.token + "|" + record.type), "");
      co_return failed;
    }
  }
  record.step.reset();
  record.status = "DELETE_COMPLETE";
  record.reason = "";
  record.changed_ms = engine_.now_ms();
  store::Batch batch;
  engine_.add_event(batch, *stack_, event_of(record, ""));
  const std::string id = record.id;
  if (erase_record) batch.erase(keys::resource(stack_->record.uuid, id));
  else batch.put(keys::resource(stack_->record.uuid, id), encode(record));
  const bool stored = co_await commit(std::move(batch));
  if (stored && erase_record) stack_->resources.erase(id);
  co_return stored ? StepOutcome::kDone : StepOutcome::kStopped;
}

namespace {

bool keeps(const ResourceRecord& record, bool undoes_creation) {
  if (record.deletion_policy == "Retain") return true;
  return record.deletion_policy == "RetainExceptOnCreate" && !undoes_creation;
}

}  // namespace

async::Task<StepOutcome> Runner::remove_step(std::string id) {
  ResourceRecord& record = stack_->resources[id];
  if (record.status == "DELETE_COMPLETE" || record.status == "DELETE_SKIPPED")
    co_return StepOutcome::kDone;
  const auto settled = co_await settle(record);
  if (settled != StepOutcome::kDone) co_return settled;
  const bool undoes_creation = operation().kind == Operation::Kind::kCreate;
  const bool retains =
      keeps(record, undoes_creation) && !(undoes_creation && operation().retain_except_on_create);
  if (!record.now.id.empty() && (skips(record) || retains)) {
    const auto skipped = co_await save(record, "DELETE_SKIPPED", "", "");
    co_return skipped;
  }
  const bool clean = co_await remove_leftovers(record, true);
  if (!clean) co_return is_stopping() || is_broken_ ? StepOutcome::kStopped : StepOutcome::kFailed;
  const auto outcome = co_await remove_physical(record, false);
  co_return outcome;
}

// An event about a physical resource that is no longer the record's; its status stays as it is.
async::Task<bool> Runner::tell(const ResourceRecord& record, std::string status, std::string reason,
                               std::string physical_id) {
  EventRecord event = event_of(record, "");
  event.status = std::move(status);
  event.reason = std::move(reason);
  event.physical_id = std::move(physical_id);
  store::Batch batch;
  engine_.add_event(batch, *stack_, std::move(event));
  batch.put(keys::resource(stack_->record.uuid, record.id), encode(record));
  const bool stored = co_await commit(std::move(batch));
  co_return stored;
}

// The physical resources that a replacement left behind.
async::Task<bool> Runner::remove_leftovers(ResourceRecord& record, bool rolled_back) {
  const ResourceHandler* handler = parts_.registry.find(record.type);
  while (!record.leftovers.empty() && handler != nullptr) {
    const Physical leftover = record.leftovers.back();
    std::string status = "DELETE_SKIPPED";
    std::string reason;
    if (rolled_back || record.update_replace_policy != "Retain") {
      const bool begun = co_await tell(record, "DELETE_IN_PROGRESS", "", leftover.id);
      if (!begun) co_return false;
      StepContext context = context_of(record);
      context.token = base::uuid(parts_.random);
      auto removed = co_await handler->remove(context, leftover);
      if (!removed && is_stopping()) co_return false;
      status = removed ? "DELETE_COMPLETE" : "DELETE_FAILED";
      if (!removed) reason = reason_of(removed.error(), context.token + "|" + record.type);
    }
    record.leftovers.pop_back();
    const bool told = co_await tell(record, status, reason, leftover.id);
    if (!told) co_return false;
  }
  co_return true;
}

async::Task<StepOutcome> Runner::cleanup_step(std::string id) {
  const bool rolled_back = operation().phase == Operation::Phase::kRollbackCleanup;
  ResourceRecord& record = stack_->resources[id];
  const auto settled = co_await settle(record);
  if (settled != StepOutcome::kDone) co_return settled;
  const bool clean = co_await remove_leftovers(record, rolled_back);
  if (!clean) co_return StepOutcome::kStopped;
  const ResourceDeclaration* declaration = ground_->source->resource(id);
  const bool is_gone =
      declaration == nullptr || !condition_holds(declaration->condition, ground_->scope);
  if (rolled_back ? !record.is_new : !is_gone) co_return StepOutcome::kDone;
  if (!record.now.id.empty() && keeps(record, rolled_back)) {
    const auto skipped = co_await save(record, "DELETE_SKIPPED", "", "");
    if (skipped != StepOutcome::kDone) co_return skipped;
    store::Batch batch;
    batch.erase(keys::resource(stack_->record.uuid, id));
    const bool stored = co_await commit(std::move(batch));
    if (stored) stack_->resources.erase(id);
    co_return stored ? StepOutcome::kDone : StepOutcome::kStopped;
  }
  const auto outcome = co_await remove_physical(record, true);
  co_return outcome;
}

std::string Runner::shown_properties(const ResourceDeclaration& declaration) const {
  const auto masked = resolve(declaration.properties, ground_->masked);
  return masked ? to_json(*masked) : "";
}

}  // namespace stacks
