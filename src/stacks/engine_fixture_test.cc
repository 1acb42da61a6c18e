#include "stacks/engine_fixture.h"

#include "async/signal.h"
#include "stacks/resources/all.h"

namespace stacks {

async::Task<api::Outcome<Value>> FakeHandler::prepare(const StepContext& context,
                                                      const Value& /*properties*/) const {
  if (context.name_is_given && world_.things.contains(context.name))
    co_return api::fail("", 400, "Fake " + context.name + " already exists");
  co_return Value();
}

async::Task<api::Outcome<Made>> FakeHandler::create(const StepContext& context,
                                                    Value properties) const {
  world_.calls.push_back("create " + context.logical_id);
  if (world_.wait_forever.contains(context.logical_id)) {
    async::Signal never;
    co_await never.wait_past(0, base::SteadyTime::max(), context.stop);
    co_return api::fail(std::string(kCancelledCode), 400, "cancelled");
  }
  if (world_.fail_create.contains(context.logical_id))
    co_return api::fail("BadThing", 400, "it cannot be");
  if (world_.things.contains(context.name) && !context.retried)
    co_return api::fail("AlreadyExists", 400, "it is there");
  world_.things[context.name] = properties;
  Made made{.physical_id = context.name, .failure = {}};
  made.attributes.set("Attr", Value::string(properties.text_of("Value")));
  co_return made;
}

async::Task<api::Outcome<Made>> FakeHandler::update(const StepContext& context,
                                                    const Physical& before, Value after) const {
  world_.calls.push_back("update " + context.logical_id);
  if (world_.fail_update.contains(context.logical_id) && after.text_of("Value") == "bad")
    co_return api::fail("BadThing", 400, "it cannot change");
  EXPECT_TRUE(world_.things.contains(before.id));
  world_.things[before.id] = after;
  Made made{.physical_id = before.id, .failure = {}};
  made.attributes.set("Attr", Value::string(after.text_of("Value")));
  co_return made;
}

async::Task<api::Outcome<void>> FakeHandler::remove(const StepContext& context,
                                                    const Physical& physical) const {
  world_.calls.push_back("remove " + context.logical_id);
  if (world_.fail_remove.contains(context.logical_id))
    co_return api::fail("Stuck", 400, "it stays");
  world_.things.erase(physical.id);
  co_return api::Outcome<void>();
}

base::Result<store::Sequence> CutStore::submit(store::Batch batch) {
  if (left_ == 0) {
    was_cut_ = true;
    return base::error(base::ErrorCode::kIo, "cut");
  }
  --left_;
  return inner_.submit(std::move(batch));
}

async::Task<api::Outcome<std::string>> FakeTemplates::read(wire::Context /*context*/,
                                                           std::string url) {
  const auto found = bodies.find(url);
  if (found == bodies.end()) co_return api::fail("ValidationError", 400, "S3 error: no " + url);
  co_return found->second;
}

EngineTest::EngineTest() {
  registry_.add(std::make_unique<FakeHandler>(world_));
  resources::add_cloudformation(registry_);
  resources::add_custom(registry_);
  open();
}

EngineTest::~EngineTest() { close(); }

void EngineTest::open() {
  store_ = std::make_unique<CutStore>(disk_);
  responses_ = std::make_unique<ResponseChannel>(urls_);
  engine_ = std::make_unique<Engine>(EngineParts{.core = core_,
                                                 .store = *store_,
                                                 .caller = wire_caller_,
                                                 .registry = registry_,
                                                 .templates = templates_,
                                                 .responses = *responses_,
                                                 .clock = clock_,
                                                 .random = random_});
  const auto started = core_.run(engine_->start());
  ASSERT_TRUE(started) << started.error().message;
}

void EngineTest::close() {
  core_.run(engine_->stop());
  engine_.reset();
}

wire::Context EngineTest::caller() const {
  wire::Context context;
  context.principal = std::make_shared<const auth::Principal>(auth::root_principal("123456789012"));
  context.account_id = "123456789012";
  context.region = "us-east-1";
  context.request_id = "request";
  return context;
}

api::Outcome<std::string> EngineTest::create(const std::string& body,
                                             const std::function<void(CreateRequest&)>& change) {
  CreateRequest request;
  request.caller = caller();
  request.name = "stack";
  request.input.source = {.original = body, .processed = body};
  if (change) change(request);
  return core_.run(engine_->create(std::move(request)));
}

api::Outcome<std::string> EngineTest::update(const std::string& body,
                                             const std::function<void(UpdateRequest&)>& change) {
  UpdateRequest request;
  request.caller = caller();
  request.stack = "stack";
  request.input.source = {.original = body, .processed = body};
  if (change) change(request);
  return core_.run(engine_->update(std::move(request)));
}

StackView EngineTest::view(const std::string& id) {
  auto found = core_.run(engine_->find("123456789012", "us-east-1", id));
  EXPECT_TRUE(found) << id;
  return found.value_or(StackView());
}

StackView EngineTest::settled(const std::string& id) {
  const std::string arn = id.starts_with("arn:") ? id : view(id).record.id;
  auto found = core_.run(engine_->settled(arn, {}));
  EXPECT_TRUE(found) << id;
  return found.value_or(StackView());
}

std::vector<std::string> EngineTest::history(const std::string& id) {
  const auto events = core_.run(engine_->events(view(id).record.uuid, 0, 1000));
  std::vector<std::string> lines;
  for (auto event = events->rbegin(); event != events->rend(); ++event)
    lines.push_back(event->logical_id + " " + event->status);
  return lines;
}

}  // namespace stacks
