#pragma once

// DynamoDbFixture: the service's operations over a store in memory, called as the dispatcher would
// by the account's root, one after the other. For tests.

#include <gtest/gtest.h>

#include "async/gate.h"
#include "async/manual_core.h"
#include "services/dynamodb/dynamodb.h"
#include "store/memory_store.h"
#include "wire/json_codec.h"

namespace services::dynamodb {

namespace d = api::dynamodb;

inline tables::Value s(std::string text) { return tables::Value::of_s(std::move(text)); }
inline tables::Value n(std::string text) { return tables::Value::of_n(std::move(text)); }

class DynamoDbFixture : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(core.run(tables.open()));
    register_operations(registry, deps);
    context.principal = std::make_shared<auth::Principal>(auth::root_principal("123456789012"));
    context.account_id = "123456789012";
    context.region = "eu-west-1";
  }
  void TearDown() override { core.run(tables.stop()); }

  static d::AttributeDefinition attribute(std::string name, std::string type) {
    d::AttributeDefinition made;
    made.attribute_name = std::move(name);
    made.attribute_type = std::move(type);
    return made;
  }
  static d::KeySchemaElement element(std::string name, std::string type) {
    d::KeySchemaElement made;
    made.attribute_name = std::move(name);
    made.key_type = std::move(type);
    return made;
  }

  template <class Op>
  api::Outcome<typename Op::Output> call(typename Op::Input input) {
    const wire::Endpoint* const endpoint = registry.find(Op::info());
    CHECK(endpoint != nullptr);
    auto checks = endpoint->permission(context, &input);
    if (!checks) checks = core.run(endpoint->look_up_permission(context, &input));
    if (!*checks) return std::unexpected(checks->error());
    last_checks = **checks;
    for (auth::Check& check : last_checks)
      if (const auto add_conditions = check.add_conditions) add_conditions(check);
    auto output = core.run(endpoint->run(context, &input));
    if (!output) return std::unexpected(output.error());
    if (output->member != nullptr) expect_same_json<Op>(*output);
    return *static_cast<const typename Op::Output*>(output->get());
  }

  base::ManualClock clock;
  base::SeededRandom random{1};
  async::ManualCore core{clock};
  store::MemoryStore store;
  tables::Tables tables{store, clock, random, {.cores = {&core}}};
  Deps deps{tables, clock};
  wire::Registry registry;
  wire::Context context;
  wire::Checks last_checks;

 private:
  // A prepared member is the same as JSON and as a value.
  template <class Op>
  static void expect_same_json(wire::Reply& reply) {
    std::string json = '"' + std::string(reply.member->name()) + "\":";
    reply.member->append_json(json);
    reply.complete();
    const std::string whole = wire::encode_json(*Op::info().output, reply.get());
    EXPECT_NE(whole.find(json), std::string::npos) << json << " in " << whole;
  }
};

}  // namespace services::dynamodb
