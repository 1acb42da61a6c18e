#include "stacks/runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/sts/operations.h"
#include "async/timer.h"
#include "base/log.h"

namespace stacks {

using Kind = Operation::Kind;
using Phase = Operation::Phase;

async::Task<void> Runner::run() {
  while (stack_->record.is_busy() && !is_stopping() && !is_broken_) {
    stack_->cancel = std::stop_source();
    operation_id_ = operation().id;
    failures_.clear();
    timed_out_ = false;
    const bool goes_on = co_await run_phase();
    if (!goes_on) break;
  }
  stack_->is_driven = false;
  stack_->changed.notify();
}

async::Task<bool> Runner::run_phase() {
  const Kind kind = operation().kind;
  const Phase phase = operation().phase;
  const bool grounded = co_await prepare_ground();
  if (!grounded) co_return !is_broken_ && !is_stopping();
  const auto role = co_await take_role();
  if (!role) base::log_warn("stack {}: {}", stack_->record.name, role.error().message);
  if (is_stopping()) co_return false;
  bool goes_on = false;
  if (kind == Kind::kCreate && phase == Phase::kForward) goes_on = co_await create_forward();
  else if (kind == Kind::kCreate) goes_on = co_await delete_everything(true);
  else if (kind == Kind::kDelete) goes_on = co_await delete_everything(false);
  else if (phase == Phase::kForward) goes_on = co_await update_forward();
  else if (phase == Phase::kRollback) goes_on = co_await update_rollback();
  else goes_on = co_await clean_up(phase == Phase::kRollbackCleanup);
  co_return goes_on;
}

async::Task<bool> Runner::commit(store::Batch batch) {
  batch.put(keys::stack(stack_->record.uuid), encode(stack_->record));
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) {
    is_broken_ = true;
    base::log_error("stack {} is halted: {}", stack_->record.name, stored.error().message);
  }
  co_return stored.has_value();
}

async::Task<bool> Runner::set_status(std::string status, std::string reason, bool done,
                                     store::Batch batch) {
  stack_->record.status = std::move(status);
  stack_->record.status_reason = std::move(reason);
  if (stack_->record.is_deleted()) stack_->record.deleted_ms = engine_.now_ms();
  engine_.add_stack_event(batch, *stack_);
  if (done) stack_->record.operation.reset();
  const bool stored = co_await commit(std::move(batch));
  if (stored) base::log_info("stack {}: {}", stack_->record.name, stack_->record.status);
  co_return stored;
}

// Deleting needs no template: everything is in the records.
async::Task<bool> Runner::prepare_ground() {
  ground_.reset();
  if (operation().kind == Kind::kDelete) co_return true;
  const bool uses_target =
      operation().kind == Kind::kUpdate && operation().phase == Phase::kForward;
  const std::string& uuid = stack_->record.uuid;
  auto text = co_await parts_.store.get(uses_target ? keys::target_template(uuid)
                                                    : keys::current_template(uuid));
  if (text && *text) {
    auto decoded = decode_template(**text);
    const Blueprint& blueprint = uses_target ? *operation().target : stack_->record.blueprint;
    Engine::Stack* const stack = stack_.get();
    Engine* const engine = &engine_;
    auto ground =
        !decoded ? base::Result<std::unique_ptr<Ground>>(std::unexpected(decoded.error()))
                 : make_ground(
                       stack_->record, blueprint, decoded->processed,
                       [stack](const std::string& id) -> std::optional<MadeValues> {
                         const auto found = stack->resources.find(id);
                         if (found == stack->resources.end() || found->second.now.id.empty())
                           return std::nullopt;
                         return MadeValues{found->second.now.id, found->second.now.attributes};
                       },
                       [engine, stack](const std::string& name) {
                         return engine->exported(stack->record.account, stack->record.region, name);
                       });
    if (ground) {
      ground_ = *std::move(ground);
      co_return true;
    }
    base::log_error("stack {}: {}", stack_->record.name, ground.error().message);
  }
  // A stack whose template cannot be read any more must still end somewhere it can be deleted from.
  co_await set_status(
      operation().kind == Kind::kCreate ? "CREATE_FAILED" : "UPDATE_ROLLBACK_FAILED",
      "The stored template could not be read", true);
  co_return false;
}

// With a role, its permissions count and not the caller's.
async::Task<base::Status> Runner::take_role() {
  principal_ = std::make_shared<const auth::Principal>(operation().principal);
  const Blueprint& blueprint = operation().target ? *operation().target : stack_->record.blueprint;
  if (blueprint.role_arn.empty()) co_return base::Status();
  auto service = auth::service_principal("cloudformation.amazonaws.com");
  wire::Context context;
  context.principal = std::make_shared<const auth::Principal>(std::move(service));
  context.account_id = stack_->record.account;
  context.region = stack_->record.region;
  context.request_id = base::uuid(parts_.random);
  api::sts::op::AssumeRole::Input input;
  input.role_arn = blueprint.role_arn;
  input.role_session_name = "AWSCloudFormation";
  auto assumed = co_await parts_.caller.call<api::sts::op::AssumeRole>(context, std::move(input));
  const auto arn = auth::parse_arn(blueprint.role_arn);
  if (!assumed || !arn || !assumed->assumed_role_user) {
    // No permissions at all, rather than somebody else's.
    principal_ = std::make_shared<const auth::Principal>(auth::anonymous_principal());
    co_return base::error(
        base::ErrorCode::kPermission,
        fmt::format("Role {} is invalid or cannot be assumed", blueprint.role_arn));
  }
  const std::string resource(arn->resource);  // role/path/name
  const auto slash = resource.rfind('/');
  const std::string user_id = assumed->assumed_role_user->assumed_role_id.value_or("");
  principal_ = std::make_shared<const auth::Principal>(auth::role_session_principal(
      stack_->record.account, resource.substr(4, slash - 3), resource.substr(slash + 1),
      user_id.substr(0, user_id.find(':')), "AWSCloudFormation"));
  co_return base::Status();
}

namespace {

async::Task<void> cancel_at(const async::Core& core, base::Timestamp now, std::int64_t deadline_ms,
                            std::stop_token over, bool& timed_out, std::stop_source cancel) {
  const auto left = base::from_epoch_ms(deadline_ms) - now;
  const bool came = co_await async::sleep_until(core.now() + left, over);
  if (!came) co_return;
  timed_out = true;
  cancel.request_stop();
}

std::string listed(std::string_view verb, const std::vector<std::string>& ids) {
  return fmt::format("The following resource(s) failed to {}: [{}]. ", verb, fmt::join(ids, ", "));
}

}  // namespace

async::Task<GraphRunResult> Runner::run_steps(Graph graph, StepFunction step, bool keep_going) {
  async::Gate timer_gate;
  std::stop_source timer_over;
  if (operation().deadline_ms != 0 && operation().phase == Phase::kForward)
    async::spawn(parts_.core, timer_gate,
                 cancel_at(parts_.core, parts_.clock.now(), operation().deadline_ms,
                           timer_over.get_token(), timed_out_, stack_->cancel));
  GraphRunOptions options;
  options.keep_going = keep_going;
  options.on_failure = [this] { stack_->cancel.request_stop(); };
  options.cancelled = [this] { return stack_->cancel.stop_requested() || is_broken_; };
  auto result = co_await run_graph(std::move(graph), std::move(step), std::move(options));
  timer_over.request_stop();
  co_await timer_gate.close();
  co_return result;
}

std::map<std::string, std::string> Runner::hopeless(const Graph& graph) const {
  std::map<std::string, std::string> reasons;
  for (const auto& [id, needs] : graph) {
    const ResourceDeclaration& declaration = *ground_->source->resource(id);
    const ResourceHandler* handler = parts_.registry.find(declaration.type);
    if (handler == nullptr) {
      reasons[id] = "Unrecognized resource type: " + declaration.type;
      continue;
    }
    const auto properties = resolve(declaration.properties, ground_->scope);
    if (!properties) {
      reasons[id] = properties.error().message;
      continue;
    }
    const auto checked = check_properties(handler->schema(), id, *properties);
    if (!checked) reasons[id] = checked.error().message;
  }
  return reasons;
}

async::Task<bool> Runner::report_hopeless(const std::map<std::string, std::string>& reasons,
                                          bool is_update) {
  store::Batch batch;
  for (const auto& [id, reason] : reasons) {
    const ResourceDeclaration& declaration = *ground_->source->resource(id);
    const auto existing = stack_->resources.find(id);
    const bool exists = existing != stack_->resources.end();
    ResourceRecord record;
    if (exists) record = existing->second;
    record.id = id;
    record.type = declaration.type;
    const bool updates = is_update && exists;
    for (const char* state : {"IN_PROGRESS", "FAILED"}) {
      record.status = fmt::format("{}_{}", updates ? "UPDATE" : "CREATE", state);
      record.reason = std::string_view(state) == "FAILED" ? reason : "";
      record.changed_ms = engine_.now_ms();
      engine_.add_event(batch, *stack_, event_of(record, ""));
    }
    record.is_new = is_update && !exists;
    batch.put(keys::resource(stack_->record.uuid, id), encode(record));
    stack_->resources[id] = std::move(record);
    failures_[id] = reason;
  }
  const bool stored = co_await commit(std::move(batch));
  co_return stored;
}

std::vector<std::string> Runner::failed_resources(std::string_view status) const {
  std::vector<std::string> ids;
  for (const auto& [id, record] : stack_->resources)
    if (record.status == status || failures_.contains(id)) ids.push_back(id);
  return ids;
}

async::Task<bool> Runner::create_forward() {
  const auto graph = active_graph(ground_->scope);
  CHECK(graph.has_value());  // checked when the stack was accepted
  if (stack_->resources.empty()) {
    const auto reasons = hopeless(*graph);
    if (!reasons.empty()) {
      const bool reported = co_await report_hopeless(reasons, false);
      if (!reported) co_return false;
      const bool failed =
          co_await create_failed(listed("create", failed_resources("CREATE_FAILED")));
      co_return failed;
    }
  }
  const GraphRunResult result = co_await run_steps(
      *graph, [this](std::string id) { return create_step(std::move(id)); }, false);
  if (is_stopping() || is_broken_) co_return false;
  if (!is_current()) co_return true;  // deleted meanwhile
  bool goes_on = false;
  if (timed_out_)
    goes_on = co_await create_failed("Stack creation time exceeded the specified timeout. ");
  else if (!result.ok())
    goes_on = co_await create_failed(listed("create", failed_resources("CREATE_FAILED")));
  else goes_on = co_await finish_create();
  co_return goes_on;
}

async::Task<bool> Runner::create_failed(std::string reason) {
  const std::string& on_failure = operation().on_failure;
  if (on_failure == "DO_NOTHING") {
    const bool ended = co_await set_status("CREATE_FAILED", reason, true);
    co_return ended;
  }
  const bool deletes = on_failure == "DELETE";
  operation().phase = Phase::kRollback;
  operation().reason =
      reason + (deletes ? "Delete requested by user." : "Rollback requested by user.");
  const bool stored = co_await set_status(deletes ? "DELETE_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS",
                                          operation().reason, false);
  co_return stored;
}

base::Result<std::vector<Output>> Runner::resolve_outputs() const {
  std::vector<Output> outputs;
  for (const OutputDeclaration& declared : ground_->source->outputs) {
    if (!condition_holds(declared.condition, ground_->scope)) continue;
    ASSIGN_OR_RETURN(const Value value, resolve(declared.value, ground_->scope));
    if (!value.is_scalar())
      return base::error(base::ErrorCode::kInvalidArgument,
                         "Template format error: The Value field of every Outputs member must "
                         "evaluate to a String.");
    Output output{.name = declared.name,
                  .value = value.text(),
                  .description = declared.description,
                  .export_name = ""};
    if (!declared.export_name.is_null()) {
      ASSIGN_OR_RETURN(const Value name, resolve(declared.export_name, ground_->scope));
      output.export_name = name.text();
      for (const auto& [uuid, other] : engine_.stacks_) {
        if (other == stack_ || other->record.account != stack_->record.account ||
            other->record.region != stack_->record.region || other->record.is_deleted())
          continue;
        for (const Output& theirs : other->record.outputs)
          if (theirs.export_name == output.export_name)
            return base::error(base::ErrorCode::kAlreadyExists,
                               fmt::format("Export with name {} is already exported by stack {}.",
                                           output.export_name, other->record.name));
      }
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

async::Task<bool> Runner::finish_create() {
  auto outputs = resolve_outputs();
  if (!outputs) {
    const bool failed = co_await create_failed(outputs.error().message + " ");
    co_return failed;
  }
  stack_->record.outputs = *std::move(outputs);
  stack_->record.imports = imports_of(*ground_->source, ground_->scope);
  const bool stored = co_await set_status("CREATE_COMPLETE", "", true);
  co_return stored;
}

async::Task<bool> Runner::update_forward() {
  const auto graph = active_graph(ground_->scope);
  CHECK(graph.has_value());
  const bool is_fresh = std::none_of(
      stack_->resources.begin(), stack_->resources.end(),
      [](const auto& one) { return one.second.is_touched || one.second.step.has_value(); });
  if (is_fresh) {
    const auto reasons = hopeless(*graph);
    if (!reasons.empty()) {
      const bool reported = co_await report_hopeless(reasons, true);
      if (!reported) co_return false;
      std::vector<std::string> ids;
      for (const auto& [id, reason] : reasons) ids.push_back(id);
      const bool failed = co_await update_failed(listed("update", ids));
      co_return failed;
    }
  }
  const GraphRunResult result = co_await run_steps(
      *graph, [this](std::string id) { return update_step(std::move(id)); }, false);
  if (is_stopping() || is_broken_) co_return false;
  if (!is_current()) co_return true;
  bool goes_on = false;
  if (result.ok()) {
    goes_on = co_await finish_update();
  } else {
    std::vector<std::string> created;
    std::vector<std::string> updated;
    for (const auto& [id, reason] : failures_)
      (stack_->resources[id].is_new ? created : updated).push_back(id);
    std::string reason;
    if (!created.empty()) reason += listed("create", created);
    if (!updated.empty()) reason += listed("update", updated);
    if (failures_.empty()) reason = "User Initiated";
    goes_on = co_await update_failed(reason);
  }
  co_return goes_on;
}

async::Task<bool> Runner::update_failed(std::string reason) {
  if (stack_->record.disable_rollback && operation().on_failure == "DO_NOTHING") {
    const bool ended = co_await set_status("UPDATE_FAILED", reason, true);
    co_return ended;
  }
  operation().phase = Phase::kRollback;
  operation().reason = reason;
  const bool stored = co_await set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason, false);
  co_return stored;
}

// From here on the new template is the stack's; what remains is to delete what it no longer has.
async::Task<bool> Runner::finish_update() {
  auto outputs = resolve_outputs();
  if (!outputs) {
    const bool failed = co_await update_failed(outputs.error().message);
    co_return failed;
  }
  for (const Output& before : stack_->record.outputs) {
    const bool stays = std::any_of(outputs->begin(), outputs->end(), [&](const Output& after) {
      return after.export_name == before.export_name && after.value == before.value;
    });
    const auto users = before.export_name.empty() || stays
                           ? std::vector<std::string>()
                           : engine_.importers_here(stack_->record, before.export_name);
    if (users.empty()) continue;
    const bool failed =
        co_await update_failed(fmt::format("Export {} cannot be updated as it is in use by {}",
                                           before.export_name, fmt::join(users, ", ")));
    co_return failed;
  }
  const std::string& uuid = stack_->record.uuid;
  auto text = co_await parts_.store.get(keys::target_template(uuid));
  if (!text || !*text) co_return false;
  store::Batch batch;
  batch.put(keys::current_template(uuid), **text);
  batch.erase(keys::target_template(uuid));
  stack_->record.outputs = *std::move(outputs);
  stack_->record.imports = imports_of(*ground_->source, ground_->scope);
  stack_->record.blueprint = *operation().target;
  operation().phase = Phase::kCleanup;
  const bool stored =
      co_await set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "", false, std::move(batch));
  co_return stored;
}

Graph Runner::record_graph() const {
  Graph graph;
  for (const auto& [id, record] : stack_->resources) {
    std::set<std::string>& needs = graph[id];
    for (const std::string& need : record.depends_on)
      if (stack_->resources.contains(need)) needs.insert(need);
  }
  return graph;
}

async::Task<bool> Runner::update_rollback() {
  Graph graph = record_graph();
  // Dependencies recorded before and during the update may contradict each other; order is then
  // given up, never the rollback.
  if (!find_cycles(graph).empty())
    for (auto& [id, needs] : graph) needs.clear();
  const GraphRunResult result = co_await run_steps(
      std::move(graph), [this](std::string id) { return revert_step(std::move(id)); }, true);
  if (is_stopping() || is_broken_) co_return false;
  if (!is_current()) co_return true;
  bool goes_on = false;
  if (!result.failed.empty()) {
    goes_on = co_await set_status("UPDATE_ROLLBACK_FAILED", listed("update", result.failed), true);
  } else {
    operation().phase = Phase::kRollbackCleanup;
    store::Batch batch;
    batch.erase(keys::target_template(stack_->record.uuid));
    goes_on = co_await set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "", false,
                                  std::move(batch));
  }
  co_return goes_on;
}

async::Task<bool> Runner::clean_up(bool rolled_back) {
  Graph graph = reversed(record_graph());
  if (!find_cycles(graph).empty())
    for (auto& [id, needs] : graph) needs.clear();
  // What cannot be deleted is left behind and said so in an event, as on AWS; the update stands.
  co_await run_steps(
      std::move(graph), [this](std::string id) { return cleanup_step(std::move(id)); }, true);
  if (is_stopping() || is_broken_) co_return false;
  if (!is_current()) co_return true;
  store::Batch batch;
  for (auto& [id, record] : stack_->resources) {
    record.before.reset();
    record.leftovers.clear();
    record.is_new = false;
    record.is_touched = false;
    record.step.reset();
    batch.put(keys::resource(stack_->record.uuid, id), encode(record));
  }
  const std::string reason = rolled_back ? operation().reason : "";
  const bool stored = co_await set_status(
      rolled_back ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE", reason, true, std::move(batch));
  co_return stored;
}

async::Task<bool> Runner::delete_everything(bool is_rollback) {
  if (!is_rollback) {
    for (const Output& output : stack_->record.outputs) {
      const auto users = output.export_name.empty()
                             ? std::vector<std::string>()
                             : engine_.importers_here(stack_->record, output.export_name);
      if (users.empty()) continue;
      const bool ended =
          co_await set_status("DELETE_FAILED",
                              fmt::format("Export {} cannot be deleted as it is in use by {}",
                                          output.export_name, fmt::join(users, ", ")),
                              true);
      co_return ended;
    }
  }
  Graph graph = reversed(record_graph());
  if (!find_cycles(graph).empty())
    for (auto& [id, needs] : graph) needs.clear();
  const GraphRunResult result = co_await run_steps(
      std::move(graph), [this](std::string id) { return remove_step(std::move(id)); }, true);
  if (is_stopping() || is_broken_) co_return false;
  if (!is_current()) co_return true;
  const bool deletes = !is_rollback || operation().on_failure == "DELETE";
  const std::string reason = is_rollback ? operation().reason : "";
  bool goes_on = false;
  if (!result.ok())
    goes_on = co_await set_status(deletes ? "DELETE_FAILED" : "ROLLBACK_FAILED",
                                  listed("delete", result.failed), true);
  else
    goes_on = co_await set_status(deletes ? "DELETE_COMPLETE" : "ROLLBACK_COMPLETE", reason, true);
  co_return goes_on;
}

}  // namespace stacks
