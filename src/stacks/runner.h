#pragma once

// Runner: carries a stack's operation through its phases, private to the engine. One runs per stack
// at most, on the engine's core. Everything it does is stored first: an operation can be dropped at
// any point and taken up by a new Runner over the same records.
//
//   create: forward -> done, or rollback (deletes what was made)
//   update: forward -> cleanup (deletes what is no longer wanted), or
//           rollback (brings back what was) -> rollback cleanup (deletes what was new)
//   delete: forward

#include <memory>

#include "stacks/engine_stack.h"
#include "stacks/graph_run.h"
#include "stacks/ground.h"
#include "stacks/resource.h"

namespace stacks {

class Runner {
 public:
  Runner(Engine& engine, Engine::StackPtr stack)
      : engine_(engine), parts_(engine.parts_), stack_(std::move(stack)) {}

  // Until the operation has ended or the engine stops.
  async::Task<void> run();

 private:
  // Phases; each answers false if the runner has to give up (stopping, or the store failed).
  async::Task<bool> run_phase();
  async::Task<bool> create_forward();
  async::Task<bool> update_forward();
  async::Task<bool> update_rollback();
  async::Task<bool> clean_up(bool rolled_back);
  async::Task<bool> delete_everything(bool is_rollback);

  async::Task<bool> create_failed(std::string reason);
  async::Task<bool> update_failed(std::string reason);
  async::Task<bool> finish_create();
  async::Task<bool> finish_update();
  // Sets the status, ends the operation if `done`, adds the event, commits with `batch`.
  async::Task<bool> set_status(std::string status, std::string reason, bool done,
                               store::Batch batch = {});

  // Steps on one resource (runner_steps.cc).
  async::Task<StepOutcome> create_step(std::string id);
  async::Task<StepOutcome> update_step(std::string id);
  async::Task<StepOutcome> revert_step(std::string id);
  async::Task<StepOutcome> remove_step(std::string id);
  async::Task<StepOutcome> cleanup_step(std::string id);

  async::Task<StepOutcome> change_in_place(ResourceRecord& record, Value properties,
                                           std::string shown);
  async::Task<StepOutcome> replace(ResourceRecord& record, Value properties, std::string shown);
  // Calls create() of the pending step and records what came of it.
  async::Task<StepOutcome> make(ResourceRecord& record, std::string verb, std::string shown);
  async::Task<StepOutcome> settle(ResourceRecord& record);
  async::Task<bool> remove_leftovers(ResourceRecord& record, bool rolled_back);
  async::Task<StepOutcome> remove_physical(ResourceRecord& record, bool erase_record);

  // Chooses the step's name and token, lets the handler prepare, and stores all that. An error is
  // the reason of the failure.
  async::Task<base::Status> begin_step(ResourceRecord& record, Step::Kind kind, Value properties,
                                       std::string status, std::string reason, std::string shown);
  async::Task<StepOutcome> fail_step(ResourceRecord& record, std::string status, std::string reason,
                                     std::string shown);
  async::Task<StepOutcome> save(ResourceRecord& record, std::string status, std::string reason,
                                std::string shown);

  async::Task<bool> tell(const ResourceRecord& record, std::string status, std::string reason,
                         std::string physical_id);

  StepContext context_of(const ResourceRecord& record) const;
  void describe(ResourceRecord& record, const ResourceDeclaration& declaration) const;
  EventRecord event_of(const ResourceRecord& record, const std::string& shown) const;
  std::string reason_of(const api::Error& error, const std::string& token) const;
  std::string shown_properties(const ResourceDeclaration& declaration) const;
  bool skips(const ResourceRecord& record) const;

  async::Task<bool> prepare_ground();
  async::Task<base::Status> take_role();
  async::Task<bool> commit(store::Batch batch);
  async::Task<GraphRunResult> run_steps(Graph graph, StepFunction step, bool keep_going);
  // Reasons of resources that can never be made, by id, before anything is.
  std::map<std::string, std::string> hopeless(const Graph& graph) const;
  async::Task<bool> report_hopeless(const std::map<std::string, std::string>& reasons,
                                    bool is_update);
  base::Result<std::vector<Output>> resolve_outputs() const;
  Graph record_graph() const;  // who depends on whom, as recorded
  std::vector<std::string> failed_resources(std::string_view status) const;

  bool is_stopping() const { return engine_.stopping_.stop_requested(); }
  bool is_current() const {
    return stack_->record.operation && stack_->record.operation->id == operation_id_;
  }
  Operation& operation() { return *stack_->record.operation; }
  const Operation& operation() const { return *stack_->record.operation; }

  Engine& engine_;
  const EngineParts& parts_;
  Engine::StackPtr stack_;
  std::string operation_id_;
  std::unique_ptr<Ground> ground_;
  std::shared_ptr<const auth::Principal> principal_;
  std::map<std::string, std::string> failures_;  // of this phase: id -> reason
  std::set<std::string> retried_;  // resources whose step was already under way before a restart
  bool timed_out_ = false;
  bool is_broken_ = false;  // the store failed
};

}  // namespace stacks
