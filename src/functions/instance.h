#pragma once

// Instance: one sandboxed process that serves one version of one function, one invocation at a
// time, over the Lambda Runtime API (2018-06-01), with its extensions beside it. Lives on one core;
// owned by the Invoker, and by itself while run() goes on. Nothing survives a crash.
//
// Ready for an event is who has asked for the next: the runtime and every extension. An instance
// whose extensions asked to hear of its end is told, and has kWindDown until it is killed.

#include <optional>

#include "async/deadline.h"
#include "async/gate.h"
#include "async/signal.h"
#include "functions/extensions.h"
#include "functions/instance_text.h"
#include "functions/invoker.h"
#include "functions/log_writer.h"
#include "functions/telemetry.h"

namespace functions {

inline constexpr std::chrono::milliseconds kWindDown{2000};  // as on AWS

// An invocation on its way through an instance. Lives in invoke()'s frame.
struct Job {
  std::string request_id;
  std::string payload;
  std::string client_context;
  std::string invoked_arn;
  std::string qualifier;
  bool wants_log_tail = false;
  ResponsePipePtr pipe = nullptr;  // takes what the function writes as it comes; nullptr: nobody

  // Filled by the instance.
  bool delivered = false;
  base::SteadyTime delivered_at;
  base::SteadyTime deadline;
  std::string log_tail;
  std::optional<api::Outcome<InvocationResult>> result;
};

class Instance {
 public:
  enum class State {
    kStarting,  // up to the runtime's first question
    kIdle,      // it waits for an event
    kBusy,      // it has one
    kSettling,  // it has answered, and somebody has not asked for the next
    kEnded,
  };
  struct Setting {
    const Invoker::Deps& deps;
    const Endpoint& endpoint;
    const InvokerLimits& limits;
    async::Core& core;
    bool provisioned = false;  // to be kept ready, not made for an invocation
  };

  Instance(Setting setting, FunctionPtr function, Version version);
  ~Instance();

  // The process's whole life. Once.
  async::Task<void> run();
  // One at a time. nullopt: the instance ended before the function saw the event; try another.
  async::Task<std::optional<api::Outcome<InvocationResult>>> invoke(Job& job);
  // Takes no more work; ends as soon as nothing is under way.
  void retire();
  // Ends; what is under way fails. `reason` is what extensions are told.
  void end(std::string_view reason = "spindown");

  State state() const { return state_; }
  bool has_job() const { return job_ != nullptr; }
  // Runs that version's code with its settings, under its number.
  bool is_of(const Version& version) const;
  // Fit for another invocation of it.
  bool serves(const Version& version) const;
  const Version& version() const { return version_; }
  bool provisioned() const { return setting_.provisioned; }
  bool retired() const { return retired_; }
  bool was_ready() const { return ready_once_; }
  base::SteadyTime started_at() const { return started_at_; }
  base::SteadyTime idle_since() const { return idle_since_; }

 private:
  // The host's folders that a function sees.
  struct Folders {
    std::string code;
    std::string layers;  // empty: none
    std::vector<std::string> extensions;
  };

  async::Task<void> start();
  async::Task<base::Result<Folders>> unpack();
  std::int32_t memory_mb() const;
  sandbox::Spec make_spec(const Launch& launch, const RoleCredentials& credentials,
                          const Folders& folders) const;
  Plumbing::Handlers handlers();

  async::Task<wire::HttpResponse> serve(wire::HttpRequest request);
  async::Task<wire::HttpResponse> next();
  void settle();
  // Extensions and telemetry: instance_extensions.cc.
  wire::HttpResponse subscribe(const wire::HttpRequest& request);
  void extension_changed();
  void extension_failed(Extensions::Failure failure);
  void tell_of_event(std::int64_t deadline_ms, const std::string& trace);
  void tell_of_start();
  void tell_of_end(const ReportFacts& report);
  void tell_of_extensions();
  void tell_of_init(std::string_view status, std::string_view error_type);
  bool wind_down(std::string_view reason);
  void begin_telemetry(std::size_t sockets);
  std::string_view initialization_type() const {
    return setting_.provisioned ? "provisioned-concurrency" : "on-demand";
  }
  void thaw();
  void print_extension(std::string_view bytes);
  wire::HttpResponse deliver();
  void begin();
  bool works_on(std::string_view id) const;
  wire::HttpResponse respond(std::string_view id, wire::HttpRequest request, bool is_error);
  wire::HttpResponse refuse_size(InvocationResult result, std::size_t bytes_max);
  // Answers that come while they are written: instance_stream.cc.
  async::Task<wire::HttpResponse> take_stream(wire::HttpRequest request, wire::BodyReader& body);
  async::Task<wire::HttpResponse> copy_stream(std::string id, wire::BodyReader& body,
                                              InvocationResult result);
  async::Task<wire::HttpResponse> cut_short(std::string id);
  wire::HttpResponse init_error(std::string body);

  void become_idle();
  void idle_passed();
  void print(std::string_view bytes);
  void take_lines(std::string& partial, std::string_view bytes, std::string_view type);
  void print_line(std::string_view line, std::string_view type);
  void print_rest();
  void write_log(std::string_view line);
  void finish(InvocationResult result, std::string_view status, std::string_view error_type);
  void fail(std::string_view error_type, const std::string& message,
            std::string_view status = "error", std::string_view reported_type = {});
  void fail_launch(const base::Error& error);
  std::uint64_t memory_used_mb();
  void time_out();
  void fail_after_end();
  base::SteadyTime job_deadline() const;

  const Setting setting_;
  const FunctionPtr function_;
  const Version version_;

  State state_ = State::kStarting;
  bool retired_ = false;
  bool frozen_ = false;
  bool ended_by_us_ = false;
  bool ready_once_ = false;
  base::SteadyTime started_at_;
  base::SteadyTime init_deadline_;
  base::SteadyTime settle_deadline_;
  base::SteadyTime idle_since_;
  // Of the last answer, while the extensions go on.
  std::optional<base::SteadyTime> answered_at_;
  std::string answered_qualifier_;
  std::optional<std::chrono::nanoseconds> init_duration_;  // until it was reported
  base::Timestamp credentials_expire_;
  std::optional<api::Error> refusal_;      // why no process could be started
  std::string launch_failure_;             // the same, of the function's own making
  std::optional<std::string> init_error_;  // what the runtime said about its start
  std::optional<Extensions::Failure> extension_failure_;
  std::optional<sandbox::Exit> exit_;

  std::vector<PackagePtr> packages_;  // held: code and layers
  std::unique_ptr<sandbox::Process> process_;
  std::unique_ptr<Connection> connection_;
  LogWriter log_;
  bool printed_ = false;
  std::string partial_line_;
  std::string partial_extension_line_;
  std::uint64_t memory_used_mb_ = 0;
  base::SteadyTime memory_looked_at_;

  Job* job_ = nullptr;
  bool answering_ = false;  // the function is writing its answer
  bool proceeded_ = false;  // the runtime was started
  bool waits_ = false;      // the runtime has asked for the next event
  bool init_told_ = false;
  std::uint64_t polls_ = 0;
  async::Signal changed_;
  async::Gate questions_;  // of the runtime, under way: each holds a pointer to this
  async::Deadline idle_deadline_;
  Extensions extensions_;
  std::unique_ptr<Telemetry> telemetry_;  // from the start on, if anybody may subscribe
};

}  // namespace functions
