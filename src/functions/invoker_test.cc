// The Invoker's decisions, under a clock of our own and without a kernel.
#include "functions/invoker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <filesystem>
#include <future>

#include "async/manual_core.h"
#include "functions/event_queue.h"
#include "io/real_files.h"
#include "store/memory_store.h"

namespace functions {
namespace {

using namespace std::chrono_literals;
using sandbox::Exit;

// One make-believe process, steered by the test. Outlives the Process that stands for it.
struct Script {
  Plumbing::Handlers handlers;
  async::Completion<Exit> exit;
  std::string printed;  // lies in the pipe
  std::vector<std::string> environment;
  std::uint64_t memory_bytes = 0;
  bool ended = false;
  bool killed = false;
  int freezes = 0, thaws = 0, proceeds = 0, wind_downs = 0;

  void end(Exit how) {
    if (!std::exchange(ended, true)) exit.set(how);
  }
};
using ScriptPtr = std::shared_ptr<Script>;

class FakeProcess final : public sandbox::Process {
 public:
  explicit FakeProcess(ScriptPtr script) : script_(std::move(script)) {}
  ~FakeProcess() override { kill(); }
  pid_t pid() const override { return 1; }
  std::vector<sandbox::Fd> take_listeners() override { return {}; }
  sandbox::Fd take_stdout() override { return {}; }
  sandbox::Fd take_stderr() override { return {}; }
  async::Task<Exit> wait() override { return wait_for(script_); }
  void kill() override {
    script_->killed = true;
    script_->end({.code = 0, .signal = SIGKILL});
  }
  void freeze() override { ++script_->freezes; }
  void thaw() override { ++script_->thaws; }
  void proceed() override { ++script_->proceeds; }
  void wind_down() override { ++script_->wind_downs; }
  sandbox::Usage usage() const override { return {.memory_peak_bytes = 30U << 20U}; }
  ScriptPtr script() const { return script_; }

 private:
  static async::Task<Exit> wait_for(ScriptPtr script) {
    const Exit how = co_await script->exit;
    co_return how;
  }
  ScriptPtr script_;
};

class FakeLauncher final : public sandbox::Launcher {
 public:
  async::Task<base::Result<std::unique_ptr<sandbox::Process>>> start(sandbox::Spec spec) override {
    if (failure) co_return std::unexpected(*failure);
    auto script = std::make_shared<Script>();
    script->environment = spec.environment;
    script->memory_bytes = spec.limits.memory_bytes;
    scripts.push_back(script);
    co_return std::make_unique<FakeProcess>(script);
  }
  std::vector<ScriptPtr> scripts;
  std::optional<base::Error> failure;
};

class FakePlumbing final : public Plumbing {
 public:
  std::vector<sandbox::Listener> listeners(std::size_t) const override { return {}; }
  std::uint16_t runtime_api_port() const override { return 9001; }
  std::unique_ptr<Connection> connect(async::Core&, sandbox::Process& process,
                                      Handlers handlers) override {
    const ScriptPtr script = dynamic_cast<FakeProcess&>(process).script();
    script->handlers = std::move(handlers);
    return std::make_unique<Wires>(script);
  }

 private:
  class Wires final : public Connection {
   public:
    explicit Wires(ScriptPtr script) : script_(std::move(script)) {}
    void drain() override {
      const std::string bytes = std::exchange(script_->printed, {});
      if (!bytes.empty()) script_->handlers.output(bytes);
    }
    async::Task<void> close() override { co_return; }

   private:
    ScriptPtr script_;
  };
};

class FakeCredentials final : public Credentials {
 public:
  explicit FakeCredentials(base::Clock& clock) : clock_(clock) {}
  base::Result<RoleCredentials> issue(const std::string&, const std::string&) override {
    if (refuse) return base::error(base::ErrorCode::kNotFound, "gone");
    return RoleCredentials{"ASIA", "secret", "token", clock_.now() + life};
  }
  bool may_assume(const std::string&) override { return true; }
  std::chrono::minutes life{720};
  bool refuse = false;

 private:
  base::Clock& clock_;
};

class MemoryLogs final : public LogSink {
 public:
  async::Task<base::Status> write(LogDestination to, std::vector<LogLine> lines) override {
    for (const LogLine& line : lines) text += line.text;
    destination = to;
    co_return base::Status();
  }
  std::string text;
  LogDestination destination;
};

using Outcome = std::optional<api::Outcome<InvocationResult>>;

class InvokerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("millrace-inv-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    ASSERT_TRUE(code_store().open());
    make(InvokerLimits{});
    create();
  }
  void TearDown() override {
    core_.run(invoker_->stop());
    EXPECT_EQ(invoker_->instances(), 0U);
    std::filesystem::remove_all(folder_);
  }
  CodeStore& code_store() {
    if (!code_) code_ = std::make_unique<CodeStore>(folder_ / "code", files_, pool_);
    return *code_;
  }
  void make(InvokerLimits limits) {
    if (invoker_) core_.run(invoker_->stop());
    invoker_ = std::make_unique<Invoker>(Invoker::Deps{.catalogue = catalogue_,
                                                       .code = code_store(),
                                                       .runtimes = runtimes_,
                                                       .credentials = credentials_,
                                                       .logs = logs_,
                                                       .launcher = launcher_,
                                                       .plumbing = plumbing_,
                                                       .clock = clock_,
                                                       .random = random_},
                                         Endpoint{}, std::vector<async::Core*>{&core_}, limits);
    catalogue_.set_listener([this](const FunctionKey& key) { invoker_->refresh(key); });
  }
  void create() {
    Function function;
    function.key = key_;
    function.latest.runtime = "provided.al2023";
    function.latest.role = "arn:aws:iam::000000000000:role/r";
    function.latest.log_group = "/aws/lambda/f";
    auto package = core_.run(code_store().put(*make_zip({{"bootstrap", "x"}})));
    ASSERT_TRUE(package);
    function.latest.code_sha256 = (*package)->sha256;
    function.latest.deployment_id = "first";
    ASSERT_TRUE(core_.run(catalogue_.create(std::move(function))));
    const auto folder = core_.run(code_store().unpack(*package));
    ASSERT_TRUE(folder);
    // make_zip() makes plain files.
    std::filesystem::permissions(*folder + "/bootstrap", std::filesystem::perms(0755));
  }
  void update(std::function<void(Function&)> change) {
    ASSERT_TRUE(core_.run(catalogue_.update(key_, [change](Function& f) -> api::Outcome<void> {
      change(f);
      return {};
    })));
    core_.run_ready();
  }
  // Version 1, of which so many are kept ready.
  void publish(std::int32_t provisioned) {
    update([provisioned](Function& f) {
      f.versions = {f.latest};
      f.versions[0].version = "1";
      f.provisioned["1"].wanted = provisioned;
    });
  }

  // Starts an invocation and lets it go as far as it can.
  std::shared_ptr<Outcome> invoke(std::string id, std::string payload = "{}") {
    auto outcome = std::make_shared<Outcome>();
    async::spawn(core_, keep(*invoker_,
                             {.key = key_,
                              .qualifier = {},
                              .payload = std::move(payload),
                              .client_context = {},
                              .request_id = std::move(id),
                              .wants_log_tail = true},
                             outcome));
    settle();
    return outcome;
  }
  static async::Task<void> keep(Invoker& invoker, Invocation invocation,
                                std::shared_ptr<Outcome> outcome) {
    auto result = co_await invoker.invoke(std::move(invocation));
    outcome->emplace(std::move(result));
  }
  // Until neither the core nor the pool's one thread has anything left to do.
  void settle() {
    do {
      std::promise<void> passed;
      pool_.submit([&passed] { passed.set_value(); });
      passed.get_future().wait();
    } while (core_.run_ready());
  }

  struct Reply {
    bool done = false;
    wire::HttpResponse response;
  };
  std::shared_ptr<Reply> call(const ScriptPtr& script, std::string method, std::string path,
                              std::string body = "") {
    auto reply = std::make_shared<Reply>();
    wire::HttpRequest request;
    request.method = std::move(method);
    request.path = "/2018-06-01/runtime/" + path;
    request.body = std::move(body);
    async::spawn(core_, keep_reply(script, std::move(request), reply));
    core_.run_ready();
    return reply;
  }
  static async::Task<void> keep_reply(ScriptPtr script, wire::HttpRequest request,
                                      std::shared_ptr<Reply> reply) {
    reply->response = co_await script->handlers.runtime_api(std::move(request));
    reply->done = true;
  }
  std::shared_ptr<Reply> next(const ScriptPtr& script) {
    return call(script, "GET", "invocation/next");
  }
  void respond(const ScriptPtr& script, const std::string& id, std::string body = "1") {
    const auto reply = call(script, "POST", "invocation/" + id + "/response", std::move(body));
    EXPECT_EQ(reply->response.status, 202);
  }
  ScriptPtr script(std::size_t index = 0) {
    if (launcher_.scripts.size() <= index) {
      ADD_FAILURE() << "no process " << index;
      std::abort();
    }
    return launcher_.scripts[index];
  }
  static const InvocationResult& good(const std::shared_ptr<Outcome>& outcome) {
    if (!outcome->has_value() || !**outcome) {
      ADD_FAILURE() << (outcome->has_value() ? (**outcome).error().message : "not answered");
      std::abort();
    }
    return ***outcome;
  }

  std::filesystem::path folder_;
  base::ManualClock clock_;
  async::ManualCore core_{clock_};
  base::SeededRandom random_{7};
  io::RealFiles files_;
  async::BlockingPool pool_{1};
  store::MemoryStore store_;
  Catalogue catalogue_{store_, core_};
  FakeCredentials credentials_{clock_};
  MemoryLogs logs_;
  FakeLauncher launcher_;
  FakePlumbing plumbing_;
  Runtimes runtimes_{{}};
  std::unique_ptr<CodeStore> code_;
  std::unique_ptr<Invoker> invoker_;
  const FunctionKey key_{"000000000000", "us-east-1", "f"};
};

TEST_F(InvokerTest, HandsTheEventOverAndTheAnswerBack) {
  const auto outcome = invoke("r1", R"({"a":1})");
  const auto event = next(script());
  ASSERT_TRUE(event->done);
  EXPECT_EQ(event->response.body, R"({"a":1})");
  EXPECT_EQ(*event->response.find("Lambda-Runtime-Aws-Request-Id"), "r1");
  EXPECT_EQ(*event->response.find("Lambda-Runtime-Deadline-Ms"),
            std::to_string(base::to_epoch_ms(clock_.now()) + 3000));
  respond(script(), "r1", R"({"b":2})");
  EXPECT_EQ(good(outcome).payload, R"({"b":2})");
  EXPECT_EQ(good(outcome).version, "$LATEST");
  EXPECT_EQ(good(outcome).function_error, "");
}

TEST_F(InvokerTest, ReusesAWarmInstance) {
  const auto first = invoke("r1");
  next(script());
  respond(script(), "r1");
  const auto waiting = next(script());
  EXPECT_FALSE(waiting->done);
  const auto second = invoke("r2");
  ASSERT_TRUE(waiting->done);
  EXPECT_EQ(*waiting->response.find("Lambda-Runtime-Aws-Request-Id"), "r2");
  respond(script(), "r2");
  EXPECT_EQ(good(second).payload, "1");
  EXPECT_EQ(launcher_.scripts.size(), 1U);
}

TEST_F(InvokerTest, WaitsForAnInstanceThatHasAnsweredRatherThanStartingAnother) {
  invoke("r1");
  next(script());
  respond(script(), "r1");
  const auto second = invoke("r2");  // it has not asked for the next event yet
  const auto event = next(script());
  ASSERT_TRUE(event->done);
  respond(script(), "r2");
  good(second);
  EXPECT_EQ(launcher_.scripts.size(), 1U);
}

TEST_F(InvokerTest, StartsAnotherInstanceForASecondInvocationAtATime) {
  const auto first = invoke("r1");
  next(script(0));
  const auto second = invoke("r2");
  next(script(1));
  respond(script(1), "r2");
  respond(script(0), "r1");
  good(first);
  good(second);
}

TEST_F(InvokerTest, KillsWhatTakesTooLong) {
  const auto outcome = invoke("r1");
  next(script());
  core_.run_for(2999ms);
  EXPECT_FALSE(outcome->has_value());
  core_.run_for(2ms);
  EXPECT_EQ(good(outcome).payload,
            R"({"errorType":"Sandbox.Timedout",)"
            R"("errorMessage":"RequestId: r1 Error: Task timed out after 3.00 seconds"})");
  EXPECT_EQ(good(outcome).function_error, "Unhandled");
  EXPECT_TRUE(script()->killed);
  EXPECT_NE(good(outcome).log_tail.find("r1 Task timed out after 3.00 seconds\n"),
            std::string::npos);
}

TEST_F(InvokerTest, TellsHowARuntimeExited) {
  const auto outcome = invoke("r1");
  next(script());
  script()->end({.code = 7, .signal = 0});
  settle();
  EXPECT_EQ(good(outcome).payload,
            R"({"errorType":"Runtime.ExitError",)"
            R"("errorMessage":"RequestId: r1 Error: Runtime exited with error: exit status 7"})");
}

TEST_F(InvokerTest, TellsOfExitsWithoutAReasonAndOfSignals) {
  const auto first = invoke("r1");
  script(0)->end({});
  settle();
  EXPECT_NE(good(first).payload.find("Runtime exited without providing a reason"),
            std::string::npos);
  const auto second = invoke("r2");
  script(1)->end({.code = 0, .signal = SIGKILL, .out_of_memory = true});
  settle();
  EXPECT_NE(good(second).payload.find("signal: killed"), std::string::npos);
  EXPECT_NE(good(second).log_tail.find("Runtime.OutOfMemory"), std::string::npos);
}

TEST_F(InvokerTest, PassesOnWhatAnInitErrorSays) {
  const auto outcome = invoke("r1");
  call(script(), "POST", "init/error", R"({"errorType":"Runtime.ImportModuleError"})");
  settle();
  EXPECT_EQ(good(outcome).payload, R"({"errorType":"Runtime.ImportModuleError"})");
  EXPECT_EQ(good(outcome).function_error, "Unhandled");
  EXPECT_EQ(invoker_->instances(), 0U);
}

TEST_F(InvokerTest, GivesAStartTenSeconds) {
  const auto outcome = invoke("r1");
  core_.run_for(10'001ms);
  EXPECT_NE(good(outcome).payload.find("Task timed out after 10.00 seconds"), std::string::npos);
  EXPECT_TRUE(script()->killed);
}

TEST_F(InvokerTest, KeepsTheInstanceAfterAHandlersError) {
  const auto outcome = invoke("r1");
  next(script());
  call(script(), "POST", "invocation/r1/error", R"({"errorMessage":"x"})");
  EXPECT_EQ(good(outcome).payload, R"({"errorMessage":"x"})");
  EXPECT_EQ(good(outcome).function_error, "Unhandled");
  next(script());
  EXPECT_FALSE(script()->killed);
}

TEST_F(InvokerTest, RefusesAnAnswerToAnotherInvocation) {
  const auto outcome = invoke("r1");
  next(script());
  EXPECT_EQ(call(script(), "POST", "invocation/r0/response", "1")->response.status, 400);
  EXPECT_FALSE(outcome->has_value());
  respond(script(), "r1");
  EXPECT_EQ(call(script(), "POST", "invocation/r1/response", "1")->response.status, 400);
}

TEST_F(InvokerTest, RefusesAnAnswerThatIsTooLarge) {
  const auto outcome = invoke("r1");
  next(script());
  const auto reply =
      call(script(), "POST", "invocation/r1/response", std::string(kPayloadBytesMax + 1, 'x'));
  EXPECT_EQ(reply->response.status, 413);
  EXPECT_NE(good(outcome).payload.find("Function.ResponseSizeTooLarge"), std::string::npos);
}

TEST_F(InvokerTest, FreezesWhatIsIdleAndEndsWhatStaysSo) {
  invoke("r1");
  next(script());
  respond(script(), "r1");
  next(script());
  core_.run_for(600ms);
  EXPECT_EQ(script()->freezes, 1);
  const auto second = invoke("r2");
  EXPECT_EQ(script()->thaws, 1);
  respond(script(), "r2");
  good(second);
  next(script());
  core_.run_for(301s);
  settle();
  EXPECT_TRUE(script()->killed);
  EXPECT_EQ(invoker_->instances(), 0U);
}

TEST_F(InvokerTest, RetiresInstancesOfAnOldDeployment) {
  invoke("r1");
  next(script(0));
  respond(script(0), "r1");
  next(script(0));
  update([](Function& f) { f.latest.deployment_id = "second"; });
  settle();
  EXPECT_TRUE(script(0)->killed);
  invoke("r2");
  EXPECT_EQ(launcher_.scripts.size(), 2U);
}

TEST_F(InvokerTest, LetsABusyInstanceOfAnOldDeploymentAnswer) {
  const auto outcome = invoke("r1");
  next(script());
  update([](Function& f) { f.latest.deployment_id = "second"; });
  EXPECT_FALSE(script()->killed);
  respond(script(), "r1");
  good(outcome);
  next(script());
  settle();
  EXPECT_TRUE(script()->killed);
}

TEST_F(InvokerTest, TakesNoInstanceWhoseCredentialsEndSoon) {
  credentials_.life = 25min;
  invoke("r1");
  next(script(0));
  respond(script(0), "r1");
  next(script(0));
  clock_.advance(6min);
  invoke("r2");
  EXPECT_EQ(launcher_.scripts.size(), 2U);
}

TEST_F(InvokerTest, KeepsProvisionedInstancesReady) {
  const auto ready = [this] { return core_.run(invoker_->provisioned(key_, "1")).ready; };
  publish(2);
  settle();
  ASSERT_EQ(launcher_.scripts.size(), 2U);
  EXPECT_THAT(script()->environment,
              testing::Contains("AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency"));
  next(script(0));
  next(script(1));
  EXPECT_EQ(ready(), 2U);
  core_.run_for(1h);
  EXPECT_FALSE(script(0)->killed);
  invoke("r1");  // of $LATEST, which is another version
  EXPECT_EQ(launcher_.scripts.size(), 3U);
  script(1)->end({.code = 1});
  settle();
  EXPECT_EQ(launcher_.scripts.size(), 4U);
  update([](Function& f) { f.provisioned["1"].wanted = 1; });
  settle();
  EXPECT_EQ(script(0)->killed + script(3)->killed, 1);
}

TEST_F(InvokerTest, WaitsBeforeItProvidesWhatFailedAgain) {
  publish(1);
  settle();
  script(0)->end({.code = 1});
  settle();
  EXPECT_EQ(core_.run(invoker_->provisioned(key_, "1")).failure, "FUNCTION_ERROR_INIT_FAILURE");
  core_.run_for(31s);
  settle();
  EXPECT_EQ(launcher_.scripts.size(), 2U);
}

TEST_F(InvokerTest, ThrottlesBeyondTheReservedNumber) {
  update([](Function& f) { f.reserved_concurrency = 1; });
  invoke("r1");
  const auto second = invoke("r2");
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((**second).error().code, "TooManyRequestsException");
  EXPECT_EQ((**second).error().message, "Rate Exceeded.");
}

TEST_F(InvokerTest, KnowsNoFunctionByAnotherName) {
  const auto result = core_.run(invoker_->invoke({.key = {"000000000000", "us-east-1", "g"},
                                                  .qualifier = {},
                                                  .payload = {},
                                                  .client_context = {},
                                                  .request_id = {}}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g");
}

TEST_F(InvokerTest, SaysThatTheRoleCannotBeAssumed) {
  credentials_.refuse = true;
  const auto outcome = invoke("r1");
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((**outcome).error().message,
            "The role defined for the function cannot be assumed by Lambda.");
}

TEST_F(InvokerTest, SaysWhyAProgramCannotStart) {
  launcher_.failure = base::Error{base::ErrorCode::kPermission, "bootstrap is not executable"};
  const auto outcome = invoke("r1");
  EXPECT_NE(good(outcome).payload.find("Runtime.InvalidEntrypoint"), std::string::npos);
  EXPECT_NE(good(outcome).payload.find("bootstrap is not executable"), std::string::npos);
}

TEST_F(InvokerTest, WritesTheLogInOrderWithMessagesOfSeveralLinesWhole) {
  const auto outcome = invoke("r1");
  next(script());
  script()->printed = "one\rtwo\nthr";
  respond(script(), "r1");
  const std::string& tail = good(outcome).log_tail;
  EXPECT_TRUE(tail.starts_with(
      "START RequestId: r1 Version: $LATEST\none\ntwo\nthr\nEND RequestId: r1\n"
      "REPORT RequestId: r1\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\t"
      "Max Memory Used: 30 MB\tInit Duration: "))
      << tail;
  core_.run_ready();
  EXPECT_EQ(logs_.text, tail);
  EXPECT_EQ(logs_.destination.group, "/aws/lambda/f");
  EXPECT_TRUE(logs_.destination.stream.starts_with("2027/01/15/[$LATEST]"))
      << logs_.destination.stream;
}

class EventQueueTest : public InvokerTest {
 protected:
  void open() {
    queue_ = std::make_unique<EventQueue>(
        EventQueue::Deps{store_, core_, catalogue_, *invoker_, destinations_, clock_, random_});
    ASSERT_TRUE(core_.run(queue_->open()));
    queue_->start();
    core_.run_ready();
  }
  void close() {
    core_.run(queue_->stop());
    queue_.reset();
  }
  class Notes final : public Destinations {
   public:
    async::Task<base::Status> deliver(InvocationNote note) override {
      if (failures-- > 0) co_return base::error(base::ErrorCode::kUnavailable, "not now");
      notes.push_back(std::move(note));
      co_return base::Status();
    }
    std::vector<InvocationNote> notes;
    int failures = 0;
  } destinations_;
  std::unique_ptr<EventQueue> queue_;
};

TEST_F(EventQueueTest, TriesAFailingEventThreeTimesInAll) {
  open();
  const auto id = core_.run(queue_->add(
      {.key = key_, .qualifier = {}, .payload = "{}", .client_context = {}, .request_id = "e1"}));
  ASSERT_TRUE(id);
  EXPECT_EQ(*id, "e1");
  settle();
  auto event = next(script());
  for (const auto wait : {60s, 120s}) {
    ASSERT_TRUE(event->done);
    call(script(), "POST", "invocation/e1/error", "{}");
    event = next(script());
    core_.run_for(wait - 1s);
    EXPECT_FALSE(event->done);
    core_.run_for(2s);
  }
  ASSERT_TRUE(event->done);
  call(script(), "POST", "invocation/e1/error", "{}");
  settle();
  const auto left = core_.run(store_.scan("functions/event/", "functions/event0", {}));
  EXPECT_TRUE(left->empty());
  close();
}

TEST_F(EventQueueTest, SendsARecordOfWhatFailedAsOftenAsItsSettingsSay) {
  update([](Function& function) {
    function.event_configs["$LATEST"] = {.retries_max = 0,
                                         .age_max_s = std::nullopt,
                                         .on_success = "arn:aws:s3:::never",
                                         .on_failure = "arn:aws:s3:::failed",
                                         .modified = {}};
  });
  open();
  destinations_.failures = 1;
  ASSERT_TRUE(core_.run(queue_->add({.key = key_,
                                     .qualifier = {},
                                     .payload = R"({"k":1})",
                                     .client_context = {},
                                     .request_id = "e1"})));
  settle();
  next(script());
  call(script(), "POST", "invocation/e1/error", R"({"errorType":"E"})");
  settle();
  EXPECT_TRUE(destinations_.notes.empty());
  core_.run_for(10s);
  settle();
  ASSERT_EQ(destinations_.notes.size(), 1U);
  EXPECT_EQ(destinations_.notes[0].destination_arn, "arn:aws:s3:::failed");
  EXPECT_EQ(destinations_.notes[0].document.substr(destinations_.notes[0].document.find("\"req")),
            R"("requestContext":{"requestId":"e1","functionArn":)"
            R"("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",)"
            R"("condition":"RetriesExhausted","approximateInvokeCount":1},)"
            R"("requestPayload":{"k":1},"responseContext":{"statusCode":200,)"
            R"("executedVersion":"$LATEST","functionError":"Unhandled"},)"
            R"("responsePayload":{"errorType":"E"}})");
  EXPECT_TRUE(core_.run(store_.scan("functions/event/", "functions/event0", {}))->empty());
  close();
}

TEST_F(EventQueueTest, GivesUpAnEventThatIsTooOldForAnotherAttempt) {
  update([](Function& function) {
    function.event_configs["$LATEST"] = {.retries_max = 2,
                                         .age_max_s = 60,
                                         .on_success = {},
                                         .on_failure = "arn:aws:s3:::failed",
                                         .modified = {}};
  });
  open();
  ASSERT_TRUE(core_.run(queue_->add(
      {.key = key_, .qualifier = {}, .payload = "{}", .client_context = {}, .request_id = "e1"})));
  settle();
  next(script());
  core_.run_for(1s);
  call(script(), "POST", "invocation/e1/error", "{}");
  const auto again = next(script());
  core_.run_for(70s);
  settle();
  EXPECT_FALSE(again->done);
  ASSERT_EQ(destinations_.notes.size(), 1U);
  EXPECT_NE(destinations_.notes[0].document.find(R"("condition":"EventAgeExceeded",)"
                                                 R"("approximateInvokeCount":1)"),
            std::string::npos)
      << destinations_.notes[0].document;
  close();
}

TEST_F(EventQueueTest, GoesOnAfterARestart) {
  open();
  ASSERT_TRUE(core_.run(queue_->add({.key = key_,
                                     .qualifier = {},
                                     .payload = R"({"k":1})",
                                     .client_context = {},
                                     .request_id = "e1"})));
  settle();
  core_.run(invoker_->stop());  // what ran is killed
  close();
  invoker_.reset();
  make(InvokerLimits{});
  launcher_.scripts.clear();
  open();
  core_.run_for(2s);
  settle();
  const auto event = next(script());
  ASSERT_TRUE(event->done);
  EXPECT_EQ(event->response.body, R"({"k":1})");
  respond(script(), "e1");
  settle();
  EXPECT_TRUE(core_.run(store_.scan("functions/event/", "functions/event0", {}))->empty());
  close();
}

}  // namespace
}  // namespace functions
