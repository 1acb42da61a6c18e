// The whole way through a real sandbox: provided, Node.js and Python functions.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

#include "async/asio_core.h"
#include "async/when_all.h"
#include "base/digest.h"
#include "functions/event_queue.h"
#include "functions/invoker.h"
#include "functions/server_plumbing.h"
#include "io/real_files.h"
#include "sandbox/host_launcher.h"
#include "store/memory_store.h"

namespace functions {
namespace {

using namespace std::chrono_literals;

class FixedCredentials final : public Credentials {
 public:
  base::Result<RoleCredentials> issue(const std::string&, const std::string&) override {
    return RoleCredentials{"ASIAX", "secret", "token", base::SystemClock().now() + 12h};
  }
  bool may_assume(const std::string&) override { return true; }
};

class CollectingLogs final : public LogSink {
 public:
  async::Task<base::Status> write(LogDestination destination, std::vector<LogLine> lines) override {
    const std::lock_guard lock(mutex_);
    for (LogLine& line : lines) lines_.push_back(std::move(line.text));
    stream_ = destination.stream;
    co_return base::Status();
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::string stream() {
    const std::lock_guard lock(mutex_);
    return stream_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string stream_;
};

async::Task<wire::HttpResponse> answer_as_server(wire::HttpRequest request) {
  wire::HttpResponse response;
  const std::string* const host = request.find("host");
  response.body = fmt::format("{} {} {} from {}", request.secure ? "https" : "http", request.method,
                              request.path, host == nullptr ? "?" : *host);
  co_return response;
}

class LiveTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("millrace-live-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    core_.start();
    sandbox::HostConfig config;
    config.id = fmt::format("functions-{}", ::getpid());
    auto launcher = sandbox::HostLauncher::create(config);
    ASSERT_TRUE(launcher) << launcher.error().message;
    launcher_ = *std::move(launcher);
    code_ = std::make_unique<CodeStore>(folder_ / "code", files_, pool_);
    ASSERT_TRUE(code_->open());
    catalogue_ = std::make_unique<Catalogue>(store_, core_);
    plumbing_ = std::make_unique<ServerPlumbing>(std::vector<async::AsioCore*>{&core_}, 4566,
                                                 answer_as_server, nullptr, clock_);
    make_invoker({});
  }
  void make_invoker(InvokerLimits limits) {
    if (invoker_) async::wait_for(core_, invoker_->stop());
    invoker_ = std::make_unique<Invoker>(Invoker::Deps{.catalogue = *catalogue_,
                                                       .code = *code_,
                                                       .runtimes = runtimes_,
                                                       .credentials = credentials_,
                                                       .logs = logs_,
                                                       .launcher = *launcher_,
                                                       .plumbing = *plumbing_,
                                                       .clock = clock_,
                                                       .random = random_},
                                         *make_endpoint(4566, "", folder_),
                                         std::vector<async::Core*>{&core_}, limits);
    catalogue_->set_listener([this](const FunctionKey& key) { invoker_->refresh(key); });
  }
  void TearDown() override {
    async::wait_for(core_, invoker_->stop());
    async::wait_for(core_, plumbing_->stop());
    launcher_.reset();
    core_.stop();
    std::filesystem::remove_all(folder_);
  }

  void create(std::string runtime, std::string handler, std::vector<ZipEntry> entries,
              std::int32_t timeout_s = 10) {
    auto zip = make_zip(entries);
    ASSERT_TRUE(zip);
    create_from_zip(std::move(runtime), std::move(handler), *std::move(zip), timeout_s);
  }
  void create_from_zip(std::string runtime, std::string handler, std::string zip,
                       std::int32_t timeout_s) {
    auto package = async::wait_for(core_, code_->put(std::move(zip)));
    ASSERT_TRUE(package) << package.error().message;
    Function function;
    function.key = key_;
    function.latest.runtime = std::move(runtime);
    function.latest.handler = std::move(handler);
    function.latest.role = "arn:aws:iam::000000000000:role/r";
    function.latest.timeout_s = timeout_s;
    function.latest.log_group = "/aws/lambda/f";
    function.latest.environment.emplace()["COLOUR"] = "blue";
    function.latest.code_sha256 = (*package)->sha256;
    function.latest.deployment_id = base::uuid(random_);
    const auto made = async::wait_for(core_, catalogue_->create(std::move(function)));
    ASSERT_TRUE(made) << made.error().message;
  }

  InvocationResult invoke(std::string payload) {
    auto result = async::wait_for(core_, invoker_->invoke({.key = key_,
                                                           .qualifier = {},
                                                           .payload = std::move(payload),
                                                           .client_context = {},
                                                           .request_id = {},
                                                           .wants_log_tail = true}));
    if (!result) {
      ADD_FAILURE() << result.error().code << ": " << result.error().message;
      return {};
    }
    return *std::move(result);
  }

  std::filesystem::path folder_;
  async::AsioCore core_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  io::RealFiles files_;
  async::BlockingPool pool_{2};
  store::MemoryStore store_;
  FixedCredentials credentials_;
  CollectingLogs logs_;
  Runtimes runtimes_{{}};
  std::unique_ptr<sandbox::HostLauncher> launcher_;
  std::unique_ptr<CodeStore> code_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<ServerPlumbing> plumbing_;
  std::unique_ptr<Invoker> invoker_;
  const FunctionKey key_{"000000000000", "us-east-1", "f"};
};

using testing::Test;

TEST_F(LiveTest, NodeCallback) {
  create("nodejs4.3", "index.handler",
         {{"index.js",
           "console.log('Loading');let n=0;exports.handler=(e,c,cb)=>{console.log('a\\nb',e.x);"
           "cb(null,{n:++n,colour:process.env.COLOUR,name:c.functionName,ms:c."
           "getRemainingTimeInMillis()>5000})}"}});
  InvocationResult first = invoke(R"({"x":"é"})");
  EXPECT_EQ(first.function_error, "");
  EXPECT_EQ(first.payload, R"({"n":1,"colour":"blue","name":"f","ms":true})");
  EXPECT_NE(first.log_tail.find("INFO\ta\nb é\n"), std::string::npos) << first.log_tail;
  EXPECT_NE(first.log_tail.find("Init Duration"), std::string::npos) << first.log_tail;
  InvocationResult second = invoke("{}");
  EXPECT_NE(second.payload.find(R"("n":2)"), std::string::npos) << second.payload;
  EXPECT_EQ(second.log_tail.find("Init Duration"), std::string::npos);
  EXPECT_EQ(invoker_->instances(), 1U);
}

TEST_F(LiveTest, Python) {
  create("python3.9", "app.handler",
         {{"app.py",
           "import logging\nlogging.getLogger().setLevel(logging.INFO)\n"
           "def handler(event, context):\n  print('hi')\n  logging.info('a\\nb')\n"
           "  if event.get('bad'): raise ValueError('no')\n"
           "  return {'got': event, 'name': context.function_name}\n"}});
  EXPECT_EQ(invoke(R"({"k":1})").payload, R"({"got": {"k": 1}, "name": "f"})");
  const InvocationResult bad = invoke(R"({"bad":true})");
  EXPECT_EQ(bad.function_error, "Unhandled");
  EXPECT_NE(bad.payload.find(R"("errorMessage": "no", "errorType": "ValueError")"),
            std::string::npos)
      << bad.payload;
  EXPECT_NE(bad.log_tail.find("\ta\nb\n"), std::string::npos) << bad.log_tail;
}

TEST_F(LiveTest, NodeWaitsForTheEmptyLoopAndKnowsEveryStyle) {
  create("nodejs20.x", "dir/index.inner.handler", {{"dir/index.js", R"js(
exports.inner = { handler: (event, context, callback) => {
  switch (event.style) {
    case 'succeed': context.succeed('s'); return;
    case 'fail': context.fail(new TypeError('f')); return;
    case 'done': setTimeout(() => context.done(null, 'd'), 10); return;
    case 'nothing': return;
    case 'later': callback(null, 'l'); setTimeout(() => console.log('after'), 20); return;
    case 'promise': return Promise.resolve('p');
    case 'text': callback('just text'); return;
    case 'throw': throw new RangeError('t');
    case 'uncaught': setTimeout(() => { throw new Error('u'); }, 1); return;
    case 'exit': process.exit(3);
  }
} };
)js"}});
  const auto style = [this](const std::string& name) {
    return invoke(R"({"style":")" + name + R"("})");
  };
  EXPECT_EQ(style("succeed").payload, R"("s")");
  EXPECT_TRUE(style("fail").payload.starts_with(R"({"errorType":"TypeError","errorMessage":"f")"));
  EXPECT_EQ(style("done").payload, R"("d")");
  EXPECT_EQ(style("nothing").payload, "null");
  const InvocationResult later = style("later");
  EXPECT_EQ(later.payload, R"("l")");
  EXPECT_NE(later.log_tail.find("after"), std::string::npos) << later.log_tail;
  EXPECT_EQ(style("promise").payload, R"("p")");
  EXPECT_EQ(style("text").payload,
            R"({"errorType":"string","errorMessage":"just text","trace":[]})");
  EXPECT_TRUE(style("throw").payload.starts_with(R"({"errorType":"RangeError")"));
  EXPECT_TRUE(style("uncaught").payload.starts_with(R"({"errorType":"Error","errorMessage":"u")"));
  EXPECT_NE(style("exit").payload.find("exit status 3"), std::string::npos);
  EXPECT_EQ(style("promise").payload, R"("p")");
}

TEST_F(LiveTest, NodeLoadsModulesAndTellsWhatItCannotLoad) {
  create("nodejs20.x", "index.handler",
         {{"index.mjs",
           "import os from 'node:os'; export const handler = async () => "
           "typeof os.cpus;"}});
  EXPECT_EQ(invoke("{}").payload, R"("function")");
  const auto change = [](Function& function) -> api::Outcome<void> {
    function.latest.handler = "nowhere.handler";
    function.latest.deployment_id = "other";
    return {};
  };
  ASSERT_TRUE(async::wait_for(core_, catalogue_->update(key_, change)));
  const InvocationResult missing = invoke("{}");
  EXPECT_EQ(missing.function_error, "Unhandled");
  EXPECT_NE(missing.payload.find("Runtime.ImportModuleError"), std::string::npos)
      << missing.payload;
}

TEST_F(LiveTest, ReachesTheServerUnderAwsNamesAndNothingElse) {
  create("nodejs20.x", "index.handler", {{"index.js", R"js(
const http = require('http'), dns = require('dns').promises;
const get = (url) => new Promise((resolve) => http.get(url, (response) => {
  let text = ''; response.on('data', (d) => text += d); response.on('end', () => resolve(text));
}).on('error', (error) => resolve(error.code)));
exports.handler = async () => [await get('http://dynamodb.us-east-1.amazonaws.com/x'),
  await get(process.env.AWS_ENDPOINT_URL + '/y'), await get('http://example.com/'),
  await get('http://10.0.0.1/')];
)js"}});
  EXPECT_EQ(invoke("{}").payload,
            R"(["http GET /x from dynamodb.us-east-1.amazonaws.com",)"
            R"("http GET /y from 127.0.0.1:4566","ENOTFOUND","ENETUNREACH"])");
}

class ProvidedTest : public LiveTest {
 protected:
  void create_provided() {
    std::ostringstream program;
    program << std::ifstream(MILLRACE_ECHO_RUNTIME, std::ios::binary).rdbuf();
    create("provided.al2023", "x", {{"bootstrap", std::move(program).str()}});
    const FunctionPtr function = catalogue_->find(key_);
    auto package = async::wait_for(core_, code_->find(function->latest.code_sha256));
    const auto folder = async::wait_for(core_, code_->unpack(*package));
    std::filesystem::permissions(*folder + "/bootstrap", std::filesystem::perms(0755));
  }
};

TEST_F(ProvidedTest, OneWarmInstanceAnswersAgainAndAgain) {
  create_provided();
  EXPECT_EQ(invoke(R"({"a":1})").payload, R"({"a":1})");
  for (int i = 0; i < 300; ++i) invoke("{}");
  EXPECT_EQ(invoker_->instances(), 1U);
}

TEST_F(ProvidedTest, ServesSideBySide) {
  create_provided();
  const auto many = [](Invoker& invoker, FunctionKey key) -> async::Task<int> {
    std::vector<async::Task<api::Outcome<InvocationResult>>> tasks;
    for (int i = 0; i < 8; ++i)
      tasks.push_back(invoker.invoke({.key = key,
                                      .qualifier = {},
                                      .payload = std::to_string(i),
                                      .client_context = {},
                                      .request_id = {}}));
    const auto results = co_await async::when_all(std::move(tasks));
    int good = 0;
    for (int i = 0; i < 8; ++i)
      if (results[static_cast<std::size_t>(i)] &&
          results[static_cast<std::size_t>(i)]->payload == std::to_string(i))
        ++good;
    co_return good;
  };
  EXPECT_EQ(async::wait_for(core_, many(*invoker_, key_)), 8);
}

TEST_F(ProvidedTest, SaysThatThereIsNoBootstrap) {
  create("provided.al2023", "x", {{"other", "x"}});
  EXPECT_NE(invoke("{}").payload.find("Couldn't find valid bootstrap(s)"), std::string::npos);
}

TEST_F(ProvidedTest, WritesItsLog) {
  create_provided();
  invoke("{}");
  for (int i = 0; i < 200 && logs_.lines().size() < 3; ++i) ::usleep(5000);
  const auto lines = logs_.lines();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[0].starts_with("START RequestId: "));
  EXPECT_TRUE(lines[1].starts_with("END RequestId: "));
  EXPECT_TRUE(lines[2].starts_with("REPORT RequestId: "));
}

}  // namespace
}  // namespace functions
