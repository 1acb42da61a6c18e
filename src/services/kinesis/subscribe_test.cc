// SubscribeToShard under a clock of our own, its events taken apart as a client would.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/gate.h"
#include "async/manual_core.h"
#include "async/signal.h"
#include "auth/policy.h"
#include "services/kinesis/kinesis.h"
#include "store/memory_store.h"
#include "wire/caller.h"
#include "wire/event_stream.h"
#include "wire/json_codec.h"

namespace services::kinesis {
namespace {

using namespace std::chrono_literals;
namespace k = api::kinesis;
using async::Task;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A client that takes what it is sent at once, or leaves it lying while `window` is shut.
class Client final : public wire::BodyWriter {
 public:
  Task<bool> write(std::string bytes) override {
    sent_bytes += bytes.size();
    rest_ += bytes;
    while (!gone.stop_requested()) {
      auto decoded = wire::decode_event_message(rest_);
      if (!decoded || !*decoded) break;
      rest_.erase(0, (*decoded)->bytes);
      messages.push_back(std::move((*decoded)->message));
    }
    co_return !gone.stop_requested();
  }
  Task<bool> drained() override {
    while (shut && !gone.stop_requested()) {
      const auto seen = moved.version();
      if (!shut) break;
      co_await moved.wait_past(seen, base::SteadyTime::max(), gone.get_token());
    }
    co_return !gone.stop_requested();
  }
  std::stop_token stop_token() const override { return stop.get_token(); }

  void open_window() {
    shut = false;
    moved.notify();
  }
  std::vector<k::SubscribeToShardEvent> events() const {
    std::vector<k::SubscribeToShardEvent> all;
    for (const auto& message : messages) {
      const std::string* const type = message.text(":event-type");
      if (type == nullptr || *type != "SubscribeToShardEvent") continue;
      k::SubscribeToShardEvent event;
      const auto decoded = wire::decode_json(message.payload, k::kSubscribeToShardEventShape,
                                             &event, wire::JsonFlavour::kKinesis);
      EXPECT_TRUE(decoded.has_value()) << message.payload;
      all.push_back(std::move(event));
    }
    return all;
  }
  std::vector<std::string> data() const {
    std::vector<std::string> all;
    for (const auto& event : events())
      for (const auto& record : *event.records) all.push_back(*record.data);
    return all;
  }
  // Of the exception at the end.
  std::string failure() const {
    if (messages.empty()) return "";
    const std::string* const type = messages.back().text(":exception-type");
    return type == nullptr ? "" : *type + " " + messages.back().payload;
  }

  std::vector<wire::EventMessage> messages;
  std::size_t sent_bytes = 0;
  bool shut = false;
  bool ended = false;
  std::stop_source stop;
  std::stop_source gone;
  async::Signal moved;

 private:
  std::string rest_;
};

class NoPolicies final : public auth::PolicySource {
 public:
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(
      const auth::Principal&) const override {
    return nullptr;
  }
};

class SubscribeTest : public testing::Test {
 protected:
  SubscribeTest() {
    register_operations(registry, deps);
    context.principal =
        std::make_shared<const auth::Principal>(auth::root_principal("000000000000"));
    context.account_id = "000000000000";
    context.region = "us-east-1";
    (void)call<k::op::CreateStream>({.stream_name = "s", .shard_count = 1});
    arn = register_consumer("c");
  }
  void TearDown() override {
    for (const auto& client : clients) client->stop.request_stop();
    core.run_for(1s);
    core.run(gate.close());
    EXPECT_EQ(deps.subscriptions->count(), 0U);
  }

  template <class Op>
  typename Op::Output call(typename Op::Input input) {
    auto output = core.run(caller.call<Op>(context, std::move(input)));
    EXPECT_TRUE(output.has_value()) << output.error().message;
    return output ? *std::move(output) : typename Op::Output();
  }
  std::string register_consumer(std::string name) {
    return *call<k::op::RegisterStreamConsumer>(
                {.stream_arn = kKey.arn(), .consumer_name = std::move(name)})
                .consumer->consumer_arn;
  }
  std::string put(std::string data) {
    return *call<k::op::PutRecord>(
                {.stream_name = "s", .data = std::move(data), .partition_key = "p"})
                .sequence_number;
  }
  void split() {
    call<k::op::SplitShard>({.stream_name = "s",
                             .shard_to_split = "shardId-000000000000",
                             .new_starting_hash_key = "170141183460469231731687303715884105728"});
  }

  api::Outcome<wire::Reply> ask(k::StartingPosition start, std::string shard,
                                std::string consumer) {
    const wire::Endpoint* const endpoint =
        registry.find(api::kinesis::op::SubscribeToShard::info());
    k::SubscribeToShardInput input{.consumer_arn = std::move(consumer),
                                   .shard_id = std::move(shard),
                                   .starting_position = std::move(start)};
    return core.run(wire::execute(*endpoint, authorizer, context, &input));
  }
  static Task<void> serve(wire::StreamedBody body, Client& client) {
    co_await body(client);
    client.ended = true;
  }
  // nullptr: refused, and `refusal` says why.
  Client* subscribe(k::StartingPosition start, std::string shard = "shardId-000000000000",
                    std::string consumer = "", bool shut = false) {
    auto reply = ask(std::move(start), std::move(shard), consumer.empty() ? arn : consumer);
    if (!reply) {
      refusal = reply.error().code + ": " + reply.error().message;
      return nullptr;
    }
    Client& client = *clients.emplace_back(std::make_unique<Client>());
    client.shut = shut;
    async::spawn(core, gate, serve(std::move(reply->body), client));
    core.run_ready();
    return &client;
  }
  static k::StartingPosition from(std::string type, std::optional<std::string> number = {}) {
    return {.type = std::move(type), .sequence_number = std::move(number)};
  }

  const StreamKey kKey{"000000000000", "us-east-1", "s"};
  base::ManualClock clock;
  base::SeededRandom random{1};
  base::Sealer sealer{std::string(base::Sealer::kKeyBytes, 'k'), random};
  async::ManualCore core{clock};
  store::MemoryStore store;
  streamlog::StreamLog streams{store, core, [this](std::uint64_t) -> async::Core& { return core; },
                               clock, random};
  Deps deps{.streams = streams, .sealer = sealer, .clock = clock};
  wire::Registry registry;
  NoPolicies policies;
  auth::Authorizer authorizer{policies, clock};
  wire::Caller caller{registry, authorizer};
  wire::Context context;
  std::string arn;
  std::string refusal;
  async::Gate gate;
  std::vector<std::unique_ptr<Client>> clients;
};

TEST_F(SubscribeTest, PushesWhatIsThereAndWhatIsCommittedWithoutTimePassing) {
  put("a");
  Client* const client = subscribe(from("TRIM_HORIZON"));
  EXPECT_THAT(client->data(), ElementsAre("a"));
  const auto before = core.now();
  const std::string number = put("b");
  core.run_ready();
  EXPECT_THAT(client->data(), ElementsAre("a", "b"));
  EXPECT_EQ(core.now(), before);
  const auto events = client->events();
  EXPECT_EQ(events.back().continuation_sequence_number, number);
  EXPECT_EQ(events.back().millis_behind_latest, 0);
  EXPECT_EQ(events.back().records->front().sequence_number, number);
}

TEST_F(SubscribeTest, StartsWhereItIsTold) {
  const std::string first = put("1");
  clock.advance(1h);
  const base::Timestamp between = clock.now();
  put("2");
  put("3");
  const auto read = [&](k::StartingPosition start) {
    Client* const client = subscribe(std::move(start));
    core.run_for(10s);
    return client == nullptr ? std::vector<std::string>{refusal} : client->data();
  };
  EXPECT_THAT(read(from("TRIM_HORIZON")), ElementsAre("1", "2", "3"));
  EXPECT_THAT(read(from("LATEST")), IsEmpty());
  EXPECT_THAT(read(from("AT_SEQUENCE_NUMBER", first)), ElementsAre("1", "2", "3"));
  EXPECT_THAT(read(from("AFTER_SEQUENCE_NUMBER", first)), ElementsAre("2", "3"));
  EXPECT_THAT(read({.type = "AT_TIMESTAMP", .timestamp = between}), ElementsAre("2", "3"));
}

TEST_F(SubscribeTest, LatestIsFixedWhenTheCallIsAnswered) {
  put("old");
  auto reply = ask(from("LATEST"), "shardId-000000000000", arn);
  ASSERT_TRUE(reply.has_value());
  put("new");
  Client client;
  async::spawn(core, gate, serve(std::move(reply->body), client));
  core.run_ready();
  EXPECT_THAT(client.data(), ElementsAre("new"));
  client.stop.request_stop();
  core.run_ready();
}

TEST_F(SubscribeTest, SendsEmptyEventsThatCanBeContinuedFrom) {
  put("a");
  Client* const client = subscribe(from("LATEST"));
  EXPECT_THAT(client->events(), IsEmpty());
  core.run_for(11s);
  const auto events = client->events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_THAT(*events[1].records, IsEmpty());
  EXPECT_GT(*events[1].continuation_sequence_number, *events[0].continuation_sequence_number);
  put("b");
  core.run_ready();
  EXPECT_GT(*client->events().back().continuation_sequence_number,
            *events[1].continuation_sequence_number);
  Client* const next =
      subscribe(from("AFTER_SEQUENCE_NUMBER", events[1].continuation_sequence_number));
  EXPECT_THAT(next->data(), ElementsAre("b"));
}

TEST_F(SubscribeTest, EndsInOrderAfterFiveMinutes) {
  Client* const client = subscribe(from("LATEST"));
  core.run_for(299s);
  EXPECT_FALSE(client->ended);
  core.run_for(2s);
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(client->failure(), "");
  EXPECT_EQ(client->events().size(), 59U);
}

TEST_F(SubscribeTest, ASplitShardEndsWithItsChildren) {
  put("a");
  Client* const client = subscribe(from("TRIM_HORIZON"));
  const auto before = core.now();
  split();
  core.run_ready();
  EXPECT_EQ(core.now(), before);
  EXPECT_TRUE(client->ended);
  const auto last = client->events().back();
  EXPECT_EQ(last.continuation_sequence_number, std::nullopt);
  ASSERT_EQ(last.child_shards->size(), 2U);
  EXPECT_EQ(last.child_shards->at(0).shard_id, "shardId-000000000001");
  EXPECT_THAT(*last.child_shards->at(0).parent_shards, ElementsAre("shardId-000000000000"));
  core.run_for(6s);
  // Whoever comes later is told the same, and what was in it.
  Client* const late = subscribe(from("TRIM_HORIZON"));
  EXPECT_TRUE(late->ended);
  EXPECT_THAT(late->data(), ElementsAre("a"));
  EXPECT_EQ(late->events().back().child_shards->size(), 2U);
  Client* const child = subscribe(from("TRIM_HORIZON"), "shardId-000000000002");
  put("b");
  core.run_for(1s);
  EXPECT_FALSE(child->ended);
}

TEST_F(SubscribeTest, AShardThatIsOnlyBeingClosedHasNotEnded) {
  Client* const client = subscribe(from("TRIM_HORIZON"));
  const auto iterator = call<k::op::GetShardIterator>({.stream_name = "s",
                                                       .shard_id = "shardId-000000000000",
                                                       .shard_iterator_type = "TRIM_HORIZON"});
  // The first half of a split.
  ASSERT_TRUE(core.run(streams.find(kKey)->shard(0)->close()).has_value());
  core.run_ready();
  EXPECT_FALSE(client->ended);
  EXPECT_THAT(client->events(), IsEmpty());
  const auto page = call<k::op::GetRecords>({.shard_iterator = iterator.shard_iterator});
  EXPECT_TRUE(page.next_shard_iterator.has_value());
  EXPECT_FALSE(page.child_shards.has_value());
}

// The codes and rules are the API reference's (SubscribeToShard), and "Another active subscription"
// is what users of the client libraries report from AWS. Other words are ours.
TEST_F(SubscribeTest, AnotherCallIsRefusedForFiveSecondsAndTakesOverThen) {
  Client* const first = subscribe(from("LATEST"));
  EXPECT_EQ(subscribe(from("LATEST")), nullptr);
  EXPECT_EQ(refusal,
            "ResourceInUseException: Another active subscription exists for this consumer: "
            "000000000000:s:shardId-000000000000:c");
  core.run_for(4s);
  EXPECT_EQ(subscribe(from("LATEST")), nullptr);
  core.run_for(1s);
  EXPECT_FALSE(first->ended);
  Client* const second = subscribe(from("LATEST"));
  ASSERT_NE(second, nullptr);
  core.run_ready();
  EXPECT_TRUE(first->ended);
  EXPECT_THAT(first->failure(), HasSubstr("ResourceInUseException {\"message\":\"Another active"));
  put("x");
  core.run_ready();
  EXPECT_THAT(second->data(), ElementsAre("x"));
  EXPECT_THAT(first->data(), IsEmpty());
  EXPECT_EQ(deps.subscriptions->count(), 1U);
}

TEST_F(SubscribeTest, FiveSecondsCountEvenIfTheSubscriptionHasEnded) {
  subscribe(from("LATEST"))->stop.request_stop();
  core.run_ready();
  EXPECT_EQ(deps.subscriptions->count(), 0U);
  EXPECT_EQ(subscribe(from("LATEST")), nullptr);
  EXPECT_THAT(refusal, HasSubstr("ResourceInUseException"));
}

TEST_F(SubscribeTest, ConsumersAndShardsAreApart) {
  const std::string other = register_consumer("d");
  Client* const one = subscribe(from("LATEST"));
  Client* const two = subscribe(from("LATEST"), "shardId-000000000000", other);
  put("x");
  core.run_ready();
  EXPECT_THAT(one->data(), ElementsAre("x"));
  EXPECT_THAT(two->data(), ElementsAre("x"));
}

TEST_F(SubscribeTest, RefusesWhatDoesNotExistAndCallsInARow) {
  EXPECT_EQ(subscribe(from("LATEST"), "shardId-000000000007"), nullptr);
  EXPECT_THAT(refusal, HasSubstr("ResourceNotFoundException"));
  EXPECT_EQ(subscribe(from("LATEST"), "shardId-000000000000", arn + "1"), nullptr);
  EXPECT_THAT(refusal, HasSubstr("ResourceNotFoundException: Consumer c not found"));
  EXPECT_EQ(subscribe(from("AT_SEQUENCE_NUMBER", "12")), nullptr);
  EXPECT_THAT(refusal, HasSubstr("InvalidArgumentException"));
  EXPECT_EQ(subscribe(from("AT_SEQUENCE_NUMBER", "12")), nullptr);
  EXPECT_THAT(refusal, HasSubstr("LimitExceededException"));
  core.run_for(1s);
  EXPECT_NE(subscribe(from("LATEST")), nullptr);
}

TEST_F(SubscribeTest, AsksForTheConsumersOwnPermission) {
  const wire::Endpoint* const endpoint = registry.find(api::kinesis::op::SubscribeToShard::info());
  k::SubscribeToShardInput input{.consumer_arn = arn};
  const auto answer = endpoint->permission(context, &input);
  ASSERT_TRUE(answer && *answer);
  const wire::Checks& checks = **answer;
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks.front().action, "kinesis:SubscribeToShard");
  EXPECT_EQ(checks.front().resource, arn);
}

TEST_F(SubscribeTest, EndsWhenItsConsumerIsDeregistered) {
  Client* const client = subscribe(from("LATEST"));
  call<k::op::DeregisterStreamConsumer>({.consumer_arn = arn});
  core.run_ready();
  EXPECT_TRUE(client->ended);
  EXPECT_THAT(client->failure(), HasSubstr("ResourceNotFoundException"));
  EXPECT_THAT(client->failure(), HasSubstr("Consumer c not found"));
}

TEST_F(SubscribeTest, EndsWhenItsStreamIsDeleted) {
  Client* const client = subscribe(from("LATEST"));
  call<k::op::DeleteStream>({.stream_name = "s", .enforce_consumer_deletion = true});
  core.run_ready();
  EXPECT_TRUE(client->ended);
  EXPECT_THAT(client->failure(), HasSubstr("Stream s under account 000000000000 not found."));
  // The end of a deleted stream is not the end of its shard.
  EXPECT_THAT(client->events(), IsEmpty());
}

TEST_F(SubscribeTest, ReadsNothingForAClientThatDoesNotTakeWhatItHas) {
  for (int i = 0; i < 40; ++i) put(std::string(100'000, 'x'));
  Client* const client = subscribe(from("TRIM_HORIZON"), "shardId-000000000000", "", true);
  core.run_for(60s);
  EXPECT_EQ(client->sent_bytes, 0U);
  EXPECT_FALSE(client->ended);
  client->open_window();
  core.run_ready();
  EXPECT_EQ(client->data().size(), 40U);
  for (const auto& event : client->events()) EXPECT_LE(event.records->size(), 3U);
  EXPECT_GT(*client->events().front().millis_behind_latest, 0);
}

TEST_F(SubscribeTest, ARecordLargerThanAnEventHasOneOfItsOwn) {
  put(std::string(1'000'000, 'x'));
  put("y");
  Client* const client = subscribe(from("TRIM_HORIZON"));
  ASSERT_EQ(client->events().size(), 2U);
  EXPECT_EQ(client->data().front().size(), 1'000'000U);
}

TEST_F(SubscribeTest, EndsQuietlyWhenTheClientGoesOrTheServerStops) {
  Client* const client = subscribe(from("LATEST"));
  client->stop.request_stop();
  core.run_ready();
  EXPECT_TRUE(client->ended);
  EXPECT_THAT(client->messages, IsEmpty());
}

TEST_F(SubscribeTest, AnAnswerThatIsNeverSentHoldsNothing) {
  {
    const auto reply = ask(from("LATEST"), "shardId-000000000000", arn);
    EXPECT_EQ(deps.subscriptions->count(), 1U);
  }
  EXPECT_EQ(deps.subscriptions->count(), 0U);
}

TEST_F(SubscribeTest, CallsFromWithinAreRefused) {
  const auto output = core.run(
      caller.call<k::op::SubscribeToShard>(context, {.consumer_arn = arn,
                                                     .shard_id = "shardId-000000000000",
                                                     .starting_position = from("LATEST")}));
  EXPECT_EQ(output.error().code, "UnknownOperationException");
  EXPECT_EQ(deps.subscriptions->count(), 0U);
}

TEST_F(SubscribeTest, TheShareOfAConsumerIsKept) {
  deps.fan_out_bytes_per_second = 100'000;
  for (int i = 0; i < 10; ++i) put(std::string(100'000, 'x'));
  Client* const client = subscribe(from("TRIM_HORIZON"));
  core.run_for(5s);
  EXPECT_THAT(client->data().size(), testing::AllOf(testing::Ge(5U), testing::Le(8U)));
  core.run_for(10s);
  EXPECT_EQ(client->data().size(), 10U);
}

}  // namespace
}  // namespace services::kinesis
