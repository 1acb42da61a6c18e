#pragma once

// Engine: owns all stacks of the server. It takes a request, stores what is to be done, and then
// does it in the background: ready steps side by side, each stored before its call, an event per
// step, rollback where a step fails. After a restart start() goes on with whatever was under way.
//
// Everything it owns lives on one core; its functions may be called from any core and answer there.
// What a function answers as done is durable. Records of deleted stacks are kept for 90 days.
// docs/formats/stacks.md describes what is stored.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/error.h"
#include "async/core.h"
#include "async/gate.h"
#include "stacks/parameters.h"
#include "stacks/plan.h"
#include "stacks/ports.h"
#include "stacks/response_channel.h"
#include "stacks/state.h"
#include "store/store.h"

namespace stacks {

inline constexpr std::size_t kStacksMax = 2000;      // live ones, per account and region
inline constexpr std::size_t kChangeSetsMax = 1000;  // per stack
inline constexpr std::int64_t kDeletedKeptDays = 90;

// What a stack is to be made from, as requests give it.
struct StackInput {
  TemplateText source;
  std::vector<GivenParameter> parameters;
  std::vector<Tag> tags;
  std::vector<std::string> capabilities;
  std::vector<std::string> notification_arns;
  std::string role_arn;
  std::vector<std::string> resource_types;  // those allowed; empty: all
};

struct CreateRequest {
  wire::Context caller;
  std::string name;
  StackInput input;
  std::int64_t timeout_minutes = 0;
  std::string on_failure = "ROLLBACK";
  bool disable_rollback = false;
  bool termination_protection = false;
  bool retain_except_on_create = false;
  std::string stack_policy;
  std::string client_token;
  std::string parent_id;  // of a nested stack
  std::string root_id;
};

struct UpdateRequest {
  wire::Context caller;
  std::string stack;  // name or id
  StackInput input;
  bool use_previous_template = false;
  std::optional<bool> disable_rollback;
  std::optional<std::vector<Tag>> tags;  // nullopt: as they are
  bool retain_except_on_create = false;
  std::string client_token;
};

struct DeleteRequest {
  wire::Context caller;
  std::string stack;
  std::vector<std::string> retain;
  std::string role_arn;
  std::string client_token;
};

struct ChangeSetRequest {
  wire::Context caller;
  std::string stack;
  std::string name;
  std::string type;  // CREATE, UPDATE
  std::string description;
  std::string on_failure;
  bool use_previous_template = false;
  StackInput input;
};

struct StackView {
  StackRecord record;
  ResourceRecords resources;
};

struct Export {
  std::string name;
  std::string value;
  std::string stack_id;
};

struct EngineParts {
  async::Core& core;
  store::Store& store;
  const wire::Caller& caller;
  const ResourceRegistry& registry;
  TemplateSource& templates;
  ResponseChannel& responses;
  const base::Clock& clock;
  base::Random& random;
};

class Engine {
 public:
  explicit Engine(EngineParts parts);
  ~Engine();  // stopped before

  // Loads what is stored and resumes what was under way. Once, before everything else.
  async::Task<base::Status> start();
  // Ends the work in the background; what is unfinished goes on at the next start. Once.
  async::Task<void> stop();

  // Each answers the stack's id. The stack is stored; its steps have not begun.
  async::Task<api::Outcome<std::string>> create(CreateRequest request);
  async::Task<api::Outcome<std::string>> update(UpdateRequest request);
  // A stack that is not there, by name, counts as deleted.
  async::Task<api::Outcome<void>> remove(DeleteRequest request);
  async::Task<api::Outcome<void>> cancel_update(wire::Context caller, std::string stack);
  async::Task<api::Outcome<void>> continue_rollback(wire::Context caller, std::string stack,
                                                    std::vector<std::string> skip,
                                                    std::string client_token);
  // RollbackStack: back from CREATE_FAILED or UPDATE_FAILED.
  async::Task<api::Outcome<std::string>> roll_back(wire::Context caller, std::string stack,
                                                   std::string client_token);

  // By name only stacks that are not deleted; by id all. nullopt: not there.
  async::Task<std::optional<StackView>> find(std::string account, std::string region,
                                             std::string name_or_id);
  // Without resources; the newest first, deleted ones too.
  async::Task<std::vector<StackRecord>> list(std::string account, std::string region);
  // Whose resource has this physical id.
  async::Task<std::optional<StackView>> find_by_resource(std::string account, std::string region,
                                                         std::string physical_id);
  // The newest first; `before` is the number of the last one seen, 0 for the first page.
  async::Task<base::Result<std::vector<EventRecord>>> events(std::string uuid, std::uint64_t before,
                                                             std::size_t limit);
  async::Task<base::Result<TemplateText>> template_of(std::string uuid);
  async::Task<std::vector<Export>> exports(std::string account, std::string region);
  async::Task<std::vector<std::string>> importers(std::string account, std::string region,
                                                  std::string export_name);

  async::Task<api::Outcome<std::string>> set_termination_protection(std::string account,
                                                                    std::string region,
                                                                    std::string stack, bool on);
  async::Task<api::Outcome<void>> set_policy(std::string account, std::string region,
                                             std::string stack, std::string policy);

  async::Task<api::Outcome<ChangeSetRecord>> create_change_set(ChangeSetRequest request);
  // Of a stack, or with an empty `stack` by the change set's ARN.
  async::Task<api::Outcome<ChangeSetRecord>> find_change_set(std::string account,
                                                             std::string region, std::string stack,
                                                             std::string name_or_id);
  async::Task<api::Outcome<std::vector<ChangeSetRecord>>> list_change_sets(std::string account,
                                                                           std::string region,
                                                                           std::string stack);
  async::Task<api::Outcome<void>> delete_change_set(std::string account, std::string region,
                                                    std::string stack, std::string name_or_id);
  async::Task<api::Outcome<void>> execute_change_set(wire::Context caller, std::string stack,
                                                     std::string name_or_id,
                                                     std::optional<bool> disable_rollback,
                                                     std::string client_token);

  // Waits until nothing is under way on a stack; nullopt: it is not there, or `stop` came first.
  async::Task<std::optional<StackView>> settled(std::string id, std::stop_token stop);

  // Reads a template from its URL for a nested stack.
  TemplateSource& templates() const { return parts_.templates; }
  const ResourceRegistry& registry() const { return parts_.registry; }
  // Runs beside the operations; stop() waits for it.
  void spawn(async::Task<void> task) { async::spawn(parts_.core, gate_, std::move(task)); }

 private:
  friend class Runner;
  struct Stack;
  using StackPtr = std::shared_ptr<Stack>;

  // Everything below runs on the engine's core.
  async::Task<api::Outcome<std::string>> create_here(CreateRequest request);
  async::Task<api::Outcome<std::string>> update_here(UpdateRequest request);
  async::Task<api::Outcome<void>> remove_here(DeleteRequest request);
  async::Task<api::Outcome<ChangeSetRecord>> create_change_set_here(ChangeSetRequest request);
  async::Task<api::Outcome<void>> execute_change_set_here(wire::Context caller, std::string stack,
                                                          std::string name_or_id,
                                                          std::optional<bool> disable_rollback,
                                                          std::string client_token);
  async::Task<api::Outcome<void>> delete_change_set_here(std::string account, std::string region,
                                                         std::string stack, std::string name_or_id);
  async::Task<api::Outcome<ChangeSetRecord>> find_change_set_here(std::string account,
                                                                  std::string region,
                                                                  std::string stack,
                                                                  std::string name_or_id);
  async::Task<base::Status> load();
  async::Task<base::Status> load_resources(Stack& stack);
  async::Task<base::Status> purge_deleted();
  async::Task<void> drive(StackPtr stack);
  async::Task<api::Outcome<void>> begin(StackPtr stack, store::Batch batch);

  StackPtr lookup(const std::string& account, const std::string& region,
                  const std::string& name_or_id) const;
  StackPtr by_id(const std::string& id) const;
  std::optional<std::string> exported(const std::string& account, const std::string& region,
                                      const std::string& name) const;
  StackRecord new_record(const CreateRequest& request) const;
  // Reads and checks what a stack is to be made from, against the stack as it is (nullptr: new).
  struct Checked {
    std::shared_ptr<const Template> source;
    BoundParameters parameters;
    Blueprint blueprint;
    Scope scope;
  };
  api::Outcome<std::unique_ptr<Checked>> check(const StackRecord& record, const StackInput& input,
                                               bool is_update) const;
  api::Outcome<void> check_capabilities(const Template& source, const StackInput& input) const;
  api::Outcome<std::vector<PlannedChange>> plan_update(const Stack& stack,
                                                       const Checked& checked) const;
  async::Task<api::Outcome<void>> begin_update(StackPtr stack, const wire::Context& caller,
                                               Blueprint target, TemplateText source,
                                               bool keeps_failures, std::string client_token);
  async::Task<api::Outcome<void>> roll_back_here(const wire::Context& caller, std::string name,
                                                 std::string from_status,
                                                 std::vector<std::string> skip,
                                                 std::string client_token);
  async::Task<api::Outcome<StackPtr>> stack_for(const ChangeSetRequest& request);
  async::Task<api::Outcome<std::vector<ChangeSetRecord>>> list_change_sets_here(std::string uuid);

  std::vector<std::string> importers_here(const StackRecord& exporter,
                                          const std::string& export_name) const;
  void add_event(store::Batch& batch, Stack& stack, EventRecord event) const;
  void add_stack_event(store::Batch& batch, Stack& stack) const;
  std::int64_t now_ms() const { return base::to_epoch_ms(parts_.clock.now()); }

  EngineParts parts_;
  async::Gate gate_;
  std::stop_source stopping_;
  std::map<std::string, StackPtr> stacks_;  // by UUID
};

}  // namespace stacks
