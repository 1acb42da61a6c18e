#include "services/lambda/lambda.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "async/manual_core.h"
#include "auth/authorizer.h"
#include "io/real_files.h"
#include "store/memory_store.h"
#include "wire/caller.h"

namespace services::lambda {
namespace {

using functions::ZipEntry;
constexpr const char* kRole = "arn:aws:iam::000000000000:role/r";
constexpr const char* kStream = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

class NoPolicies final : public auth::PolicySource {
 public:
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(
      const auth::Principal&) const override {
    return nullptr;
  }
};
class RoleR final : public functions::Credentials {
 public:
  base::Result<functions::RoleCredentials> issue(const std::string&, const std::string&) override {
    return base::error(base::ErrorCode::kNotFound, "no sessions here");
  }
  bool may_assume(const std::string& role) override { return role == kRole; }
};
class NoLogs final : public functions::LogSink {
 public:
  async::Task<base::Status> write(functions::LogDestination,
                                  std::vector<functions::LogLine>) override {
    co_return base::Status();
  }
};
class NoDestinations final : public functions::Destinations {
 public:
  async::Task<base::Status> deliver(functions::InvocationNote) override {
    co_return base::Status();
  }
};
class NoLauncher final : public sandbox::Launcher {
 public:
  async::Task<base::Result<std::unique_ptr<sandbox::Process>>> start(sandbox::Spec) override {
    co_return base::error(base::ErrorCode::kUnavailable, "no sandbox here");
  }
};
class NoPlumbing final : public functions::Plumbing {
 public:
  std::vector<sandbox::Listener> listeners(std::size_t) const override { return {}; }
  std::uint16_t runtime_api_port() const override { return 9001; }
  std::unique_ptr<functions::Connection> connect(async::Core&, sandbox::Process&,
                                                 Handlers) override {
    return nullptr;
  }
};
class EmptySource final : public mapping::RecordSource {
 public:
  async::Task<base::Result<std::vector<mapping::SourceShard>>> shards() override {
    co_return std::vector<mapping::SourceShard>();
  }
  async::Task<base::Result<mapping::SourcePage>> read(std::string, mapping::Position, std::size_t,
                                                      std::size_t) override {
    co_return mapping::SourcePage();
  }
  async::Task<void> wait(std::string, mapping::Position, base::SteadyTime,
                         std::stop_token) override {
    co_return;
  }
  async::Task<base::Result<mapping::SourceRange>> range(std::string) override {
    co_return mapping::SourceRange{};
  }
  async::Task<void> wait_for_shards(base::SteadyTime, std::stop_token) override { co_return; }
  async::Task<base::Result<mapping::Position>> start(std::string, mapping::StartingPosition,
                                                     base::Timestamp) override {
    co_return mapping::Position(0);
  }
};
class OneStream final : public mapping::SourceOpener {
 public:
  base::Result<std::unique_ptr<mapping::RecordSource>> open(const std::string& arn,
                                                            const std::string&) override {
    if (arn != kStream) return base::error(base::ErrorCode::kNotFound, "no stream");
    return std::make_unique<EmptySource>();
  }
};
class NoInvoker final : public mapping::Invoker {
 public:
  async::Task<mapping::InvokeResult> invoke(std::string, std::string) override {
    co_return mapping::InvokeResult();
  }
  std::string role_arn(const std::string&) override { return kRole; }
};
class NoFailures final : public mapping::FailureSink {
 public:
  async::Task<base::Status> deliver(mapping::FailureNote) override { co_return base::Status(); }
};
class OneBucket final : public CodeSource {
 public:
  async::Task<api::Outcome<std::string>> fetch(const Context&, std::string bucket, std::string,
                                               std::string) override {
    if (bucket != "bbb")
      co_return api::fail("NoSuchBucket", 404, "The specified bucket does not exist");
    co_return package;
  }
  std::string package;
};

class LambdaTest : public testing::Test {
 protected:
  LambdaTest() : folder_(std::filesystem::temp_directory_path() / name()) {
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(code_->open());
    packages_.package = *functions::make_zip({{"index.js", "1"}});
    register_operations(registry_, deps());
  }
  ~LambdaTest() override {
    core_.run(invoker_.stop());
    std::filesystem::remove_all(folder_);
  }
  static std::string name() { return fmt::format("millrace-lambda-{}", ::getpid()); }
  const Deps& deps() {
    if (!deps_)
      deps_ = std::unique_ptr<Deps>(new Deps{catalogue_, layers_, *code_, invoker_, events_,
                                             credentials_, mappings_, sources_, packages_, clock_,
                                             random_});
    return *deps_;
  }

  template <class Op>
  api::Outcome<typename Op::Output> call(typename Op::Input input) {
    Context context;
    context.principal =
        std::make_shared<const auth::Principal>(auth::root_principal("000000000000"));
    context.account_id = "000000000000";
    context.region = "us-east-1";
    context.request_id = "00000000-0000-4000-8000-000000000000";
    return core_.run(caller_.call<Op>(context, std::move(input)));
  }
  static l::CreateFunctionRequest request() {
    l::CreateFunctionRequest input;
    input.function_name = "f";
    input.runtime = "nodejs4.3";
    input.handler = "index.handler";
    input.role = kRole;
    auto& code = input.code.emplace();
    code.s3_bucket = "bbb";
    code.s3_key = "k";
    return input;
  }
  template <class T>
  static std::string error_of(const api::Outcome<T>& outcome) {
    if (outcome) return "none";
    return outcome.error().code + ": " + outcome.error().message;
  }

  std::filesystem::path folder_;
  base::ManualClock clock_;
  async::ManualCore core_{clock_};
  base::SeededRandom random_{3};
  io::RealFiles files_;
  async::BlockingPool pool_{1};
  store::MemoryStore store_;
  functions::Catalogue catalogue_{store_, core_};
  functions::Layers layers_{store_, core_};
  RoleR credentials_;
  NoLogs logs_;
  NoLauncher launcher_;
  NoPlumbing plumbing_;
  functions::Runtimes runtimes_{{}};
  std::unique_ptr<functions::CodeStore> code_ = std::make_unique<functions::CodeStore>(
      std::filesystem::temp_directory_path() / name() / "code", files_, pool_);
  functions::Invoker invoker_{{.catalogue = catalogue_,
                               .code = *code_,
                               .runtimes = runtimes_,
                               .credentials = credentials_,
                               .logs = logs_,
                               .launcher = launcher_,
                               .plumbing = plumbing_,
                               .clock = clock_,
                               .random = random_},
                              {},
                              {&core_}};
  NoDestinations destinations_;
  functions::EventQueue events_{
      {store_, core_, catalogue_, invoker_, destinations_, clock_, random_}};
  OneStream sources_;
  NoInvoker mapping_invoker_;
  NoFailures failures_;
  mapping::Mappings mappings_{store_,    core_,  sources_, mapping_invoker_,
                              failures_, clock_, random_};
  OneBucket packages_;
  NoPolicies policies_;
  auth::Authorizer authorizer_{policies_, clock_};
  wire::Registry registry_;
  wire::Caller caller_{registry_, authorizer_};
  std::unique_ptr<Deps> deps_;
};

TEST_F(LambdaTest, EchoesARetiredRuntimeAndAwsDefaults) {
  const auto made = call<l::op::CreateFunction>(request());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made->runtime, "nodejs4.3");
  EXPECT_EQ(*made->timeout, 3);
  EXPECT_EQ(*made->memory_size, 128);
  EXPECT_EQ(*made->version, "$LATEST");
  EXPECT_EQ(*made->state, "Active");
  EXPECT_EQ(*made->logging_config->log_group, "/aws/lambda/f");
  EXPECT_EQ(*made->last_modified, "2027-01-15T08:00:00.000+0000");
  EXPECT_EQ(*made->function_arn, "arn:aws:lambda:us-east-1:000000000000:function:f");
  l::GetFunctionRequest get;
  get.function_name = "000000000000:function:f";
  const auto found = call<l::op::GetFunction>(get);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found->configuration->revision_id, *made->revision_id);
}

TEST_F(LambdaTest, RefusesInAwsWords) {
  l::CreateFunctionRequest input = request();
  input.role = "arn:aws:iam::000000000000:role/other";
  EXPECT_EQ(error_of(call<l::op::CreateFunction>(input)),
            "InvalidParameterValueException: The role defined for the function cannot be assumed "
            "by Lambda.");
  input = request();
  input.code->s3_bucket = "other";
  EXPECT_EQ(error_of(call<l::op::CreateFunction>(input)),
            "InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: "
            "NoSuchBucket. S3 Error Message: The specified bucket does not exist");
  input = request();
  input.code.emplace().zip_file = "no zip";
  EXPECT_EQ(error_of(call<l::op::CreateFunction>(input)),
            "InvalidParameterValueException: Could not unzip uploaded file. Please check your "
            "file, then try to upload again.");
  input = request();
  input.environment.emplace().variables.emplace()["AWS_REGION"] = "x";
  EXPECT_NE(error_of(call<l::op::CreateFunction>(input)).find("reserved keys"), std::string::npos);
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  EXPECT_EQ(error_of(call<l::op::CreateFunction>(request())),
            "ResourceConflictException: Function already exist: f");
  l::GetFunctionRequest get;
  get.function_name = "g";
  EXPECT_EQ(error_of(call<l::op::GetFunction>(get)),
            "ResourceNotFoundException: Function not found: "
            "arn:aws:lambda:us-east-1:000000000000:function:g");
  get.function_name = "arn:aws:lambda:eu-west-1:000000000000:function:f";
  EXPECT_EQ(error_of(call<l::op::GetFunction>(get)),
            "ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this "
            "region ('us-east-1')");
}

TEST_F(LambdaTest, NamesWhatItDoesNotSupport) {
  l::CreateFunctionRequest input = request();
  input.file_system_configs.emplace().emplace_back();
  input.file_system_configs->back().arn =
      "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0";
  input.file_system_configs->back().local_mount_path = "/mnt/x";
  EXPECT_EQ(error_of(call<l::op::CreateFunction>(input)),
            "InvalidParameterValueException: FileSystemConfigs is not supported by Millrace.");
}

TEST_F(LambdaTest, PublishesVersionsAndAliases) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  l::PublishVersionRequest publish_request;
  publish_request.function_name = "f";
  const auto first = call<l::op::PublishVersion>(publish_request);
  ASSERT_TRUE(first);
  EXPECT_EQ(*first->version, "1");
  EXPECT_EQ(*call<l::op::PublishVersion>(publish_request)->version, "1");  // nothing changed
  l::CreateAliasRequest alias;
  alias.function_name = "f";
  alias.name = "live";
  alias.function_version = "1";
  ASSERT_TRUE(call<l::op::CreateAlias>(alias));
  EXPECT_EQ(error_of(call<l::op::CreateAlias>(alias)),
            "ResourceConflictException: Alias already exists: "
            "arn:aws:lambda:us-east-1:000000000000:function:f:live");
  l::GetFunctionConfigurationRequest get;
  get.function_name = "f:live";
  const auto found = call<l::op::GetFunctionConfiguration>(get);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->version, "1");
}

TEST_F(LambdaTest, KeepsAResourcePolicy) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  l::AddPermissionRequest add;
  add.function_name = "f";
  add.statement_id = "s3";
  add.action = "lambda:InvokeFunction";
  add.principal = "s3.amazonaws.com";
  add.source_arn = "arn:aws:s3:::b";
  const auto added = call<l::op::AddPermission>(add);
  ASSERT_TRUE(added) << added.error().message;
  const std::string statement =
      R"({"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},)"
      R"("Action":"lambda:InvokeFunction",)"
      R"("Resource":"arn:aws:lambda:us-east-1:000000000000:function:f",)"
      R"("Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}})";
  EXPECT_EQ(*added->statement, statement);
  l::GetPolicyRequest get;
  get.function_name = "f";
  EXPECT_EQ(*call<l::op::GetPolicy>(get)->policy,
            R"({"Version":"2012-10-17","Id":"default","Statement":[)" + statement + "]}");
  l::RemovePermissionRequest remove;
  remove.function_name = "f";
  remove.statement_id = "s3";
  ASSERT_TRUE(call<l::op::RemovePermission>(remove));
  EXPECT_EQ(error_of(call<l::op::GetPolicy>(get)),
            "ResourceNotFoundException: The resource you requested does not exist.");
}

TEST_F(LambdaTest, MapsAStreamWithAwsDefaults) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  l::CreateEventSourceMappingRequest input;
  input.function_name = "f";
  input.event_source_arn = kStream;
  EXPECT_EQ(error_of(call<l::op::CreateEventSourceMapping>(input)),
            "InvalidParameterValueException: 1 validation error detected: Value null at "
            "'startingPosition' failed to satisfy constraint: Member must not be null.");
  input.starting_position = "TRIM_HORIZON";
  const auto made = call<l::op::CreateEventSourceMapping>(input);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made->batch_size, 100);
  EXPECT_EQ(*made->maximum_retry_attempts, -1);
  EXPECT_EQ(*made->state, "Creating");
  EXPECT_EQ(*made->state_transition_reason, "User action");
  EXPECT_EQ(error_of(call<l::op::CreateEventSourceMapping>(input)),
            fmt::format("ResourceConflictException: The event source arn (\" {} \") and function "
                        "(\" f \") provided mapping already exists. Please update or delete the "
                        "existing mapping with UUID {}",
                        kStream, *made->uuid));
  l::DeleteEventSourceMappingRequest remove;
  remove.uuid = *made->uuid;
  EXPECT_EQ(*call<l::op::DeleteEventSourceMapping>(remove)->state, "Deleting");
  EXPECT_EQ(error_of(call<l::op::DeleteEventSourceMapping>(remove)),
            "ResourceNotFoundException: The resource you requested does not exist.");
}

TEST_F(LambdaTest, KeepsAndShowsEverySettingOfAMapping) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  l::CreateEventSourceMappingRequest input;
  input.function_name = "f";
  input.event_source_arn = kStream;
  input.starting_position = "LATEST";
  input.parallelization_factor = 10;
  input.filter_criteria.emplace().filters.emplace().emplace_back().pattern =
      R"({"data":{"a":["x"]}})";
  input.destination_config.emplace().on_failure.emplace().destination = "arn:aws:s3:::bbb";
  const auto made = call<l::op::CreateEventSourceMapping>(input);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made->parallelization_factor, 10);
  EXPECT_EQ(made->filter_criteria->filters->at(0).pattern, R"({"data":{"a":["x"]}})");
  EXPECT_EQ(made->destination_config->on_failure->destination, "arn:aws:s3:::bbb");
  l::UpdateEventSourceMappingRequest change;
  change.uuid = *made->uuid;
  change.parallelization_factor = 1;
  change.tumbling_window_in_seconds = 30;
  change.filter_criteria.emplace().filters.emplace();
  change.destination_config.emplace();
  const auto changed = call<l::op::UpdateEventSourceMapping>(change);
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(*changed->tumbling_window_in_seconds, 30);
  EXPECT_FALSE(changed->filter_criteria.has_value());
  EXPECT_FALSE(changed->destination_config->on_failure->destination.has_value());
}

TEST_F(LambdaTest, RefusesSettingsThatNoMappingCanHave) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  const auto refusal = [&](auto set) {
    l::CreateEventSourceMappingRequest input;
    input.function_name = "f";
    input.event_source_arn = kStream;
    input.starting_position = "LATEST";
    set(input);
    return error_of(call<l::op::CreateEventSourceMapping>(input));
  };
  const std::string kind = "InvalidParameterValueException: ";
  const auto filtered = [](std::string pattern, int times = 1) {
    return [=](l::CreateEventSourceMappingRequest& input) {
      auto& filters = input.filter_criteria.emplace().filters.emplace();
      for (int i = 0; i < times; ++i) filters.emplace_back().pattern = pattern;
    };
  };
  for (const char* pattern :
       {"", "{}", "x", R"({"data":"x"})", R"({"data":["x"]})", R"({"data":{"a":[{"like":"x"}]}})"})
    EXPECT_EQ(refusal(filtered(pattern)), kind + "Invalid filter pattern definition.");
  EXPECT_EQ(refusal(filtered(R"({"data":{"a":[1]}})", 6)),
            kind + "FilterCriteria.Filters has more than 5 filters.");
  const auto destination = [](std::string arn) {
    return [=](l::CreateEventSourceMappingRequest& input) {
      input.destination_config.emplace().on_failure.emplace().destination = arn;
    };
  };
  EXPECT_EQ(refusal(destination("arn:aws:sqs:us-east-1:000000000000:q")),
            kind +
                "An SQS queue as DestinationConfig.OnFailure.Destination is not supported by "
                "Millrace.");
  EXPECT_EQ(refusal(destination("arn:aws:lambda:us-east-1:000000000000:function:f")),
            kind +
                "DestinationConfig.OnFailure.Destination has to be the ARN of an SQS queue, an SNS "
                "topic or an S3 bucket for a stream: "
                "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_EQ(refusal([](l::CreateEventSourceMappingRequest& input) {
              input.parallelization_factor = 2;
              input.tumbling_window_in_seconds = 60;
            }),
            kind +
                "TumblingWindowInSeconds with a ParallelizationFactor above 1 is not supported by "
                "Millrace.");
}

TEST_F(LambdaTest, RemovesAFunctionWithItsPackage) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  l::DeleteFunctionRequest remove;
  remove.function_name = "f";
  const auto removed = call<l::op::DeleteFunction>(remove);
  ASSERT_TRUE(removed);
  EXPECT_EQ(*removed->status_code, 204);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "code/packages"));
  EXPECT_EQ(error_of(call<l::op::DeleteFunction>(remove)),
            "ResourceNotFoundException: Function not found: "
            "arn:aws:lambda:us-east-1:000000000000:function:f");
}

TEST_F(LambdaTest, RefusesAPayloadThatIsNoJson) {
  ASSERT_TRUE(call<l::op::CreateFunction>(request()));
  l::InvocationRequest input;
  input.function_name = "f";
  input.payload = "{";
  EXPECT_TRUE(error_of(call<l::op::Invoke>(input))
                  .starts_with("InvalidRequestContentException: Could not parse request body into "
                               "json: Could not parse payload into json: "));
  input.payload = "{}";
  input.invocation_type = "DryRun";
  EXPECT_EQ(*call<l::op::Invoke>(input)->status_code, 204);
  input.invocation_type = "Event";
  EXPECT_EQ(*call<l::op::Invoke>(input)->status_code, 202);
}

}  // namespace
}  // namespace services::lambda
