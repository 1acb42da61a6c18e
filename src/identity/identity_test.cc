#include "identity/identity.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "auth/evaluate.h"
#include "store/memory_store.h"

namespace identity {
namespace {

using namespace std::chrono_literals;

PolicyText text(std::string body, auth::PolicyKind kind) {
  auto parsed = auth::parse_policy(body, kind);
  return {std::move(body), std::make_shared<const auth::PolicyDocument>(*std::move(parsed))};
}

class IdentityTest : public testing::Test {
 protected:
  std::unique_ptr<Identity> open() {
    auto made = std::make_unique<Identity>("000000000000", RootKey{"AKIAROOT", "rootsecret"}, store,
                                           core, clock, random, sealer);
    EXPECT_TRUE(core.run(made->open()).has_value());
    return made;
  }
  void put_user(const std::string& name, const AccessKey& key) {
    const auto done = core.run(identity->edit([&](Edit& edit) -> api::Outcome<void> {
      User user;
      user.name = name;
      user.id = identity->new_id("AIDA");
      user.keys.push_back(key);
      user.attached.insert("arn:aws:iam::aws:policy/AmazonKinesisFullAccess");
      edit.put(std::move(user));
      return {};
    }));
    ASSERT_TRUE(done.has_value());
  }
  void put_role(const std::string& name) {
    const auto done = core.run(identity->edit([&](Edit& edit) -> api::Outcome<void> {
      Role role;
      role.name = name;
      role.id = identity->new_id("AROA");
      role.trust = text(
          R"({"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]})",
          auth::PolicyKind::kTrust);
      role.inline_policies.emplace(
          "p", text(R"({"Statement":[{"Effect":"Allow","Action":"kinesis:*","Resource":"*"}]})",
                    auth::PolicyKind::kIdentity));
      edit.put(std::move(role));
      return {};
    }));
    ASSERT_TRUE(done.has_value());
  }
  bool may(const auth::Principal& principal, std::string_view action) {
    const auto policies = identity->policies_of(principal);
    if (!policies) return false;
    const auth::AccessRequest request{.principal = &principal,
                                      .action = action,
                                      .resource = "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                                      .resource_account = {}};
    return auth::evaluate(request, {.identity = policies->identity,
                                    .boundary = policies->boundary.get(),
                                    .session = policies->session,
                                    .has_session_policies = policies->has_session_policies})
        .allowed();
  }

  base::ManualClock clock;
  base::SeededRandom random{7};
  async::ManualCore core{clock};
  store::MemoryStore store;
  base::Sealer sealer{std::string(32, 'k'), random};
  std::unique_ptr<Identity> identity = open();
};

TEST_F(IdentityTest, KeysWorkAtOnceAndNotAfterDeletion) {
  const AccessKey key = identity->new_access_key();
  put_user("alice", key);
  EXPECT_EQ((*identity->find(key.id, ""))->secret_key, key.secret);
  core.run(identity->edit([](Edit& edit) -> api::Outcome<void> {
    edit.erase_user("alice");
    return {};
  }));
  EXPECT_EQ(identity->find(key.id, "").error(), auth::CredentialFailure::kUnknownKey);
}

TEST_F(IdentityTest, EverythingIsThereAfterReopening) {
  const AccessKey key = identity->new_access_key();
  put_user("alice", key);
  put_role("worker");
  identity = open();
  EXPECT_EQ((*identity->find(key.id, ""))->principal.user_name, "alice");
  EXPECT_NE(identity->directory()->role("worker"), nullptr);
}

TEST_F(IdentityTest, AttachedPoliciesCount) {
  const AccessKey key = identity->new_access_key();
  put_user("alice", key);
  const auto credential = identity->find(key.id, "");
  EXPECT_TRUE(may((*credential)->principal, "kinesis:PutRecord"));
  EXPECT_FALSE(may((*credential)->principal, "dynamodb:PutItem"));
}

TEST_F(IdentityTest, SessionsWorkOnlyWithTheirTokenAndWhileTheirRoleLives) {
  put_role("worker");
  const auto session = identity->start_session({.role_name = "worker", .session_name = "s"});
  ASSERT_TRUE(session.has_value());
  const auto found = identity->find(session->access_key_id, session->token);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ((*found)->principal.arn, "arn:aws:sts::000000000000:assumed-role/worker/s");
  EXPECT_EQ((*found)->expires, clock.now() + 1h);
  EXPECT_TRUE(may((*found)->principal, "kinesis:PutRecord"));
  EXPECT_FALSE(identity->find(session->access_key_id, "").has_value());
  EXPECT_FALSE(identity->find("ASIAOTHER", session->token).has_value());
  EXPECT_FALSE(identity->find(session->access_key_id, session->token + "A").has_value());
  core.run(identity->edit([](Edit& edit) -> api::Outcome<void> {
    edit.erase_role("worker");
    return {};
  }));
  EXPECT_FALSE(identity->find(session->access_key_id, session->token).has_value());
}

TEST_F(IdentityTest, SessionPoliciesCutDownTheRole) {
  put_role("worker");
  SessionRequest request{.role_name = "worker", .session_name = "s"};
  request.has_policies = true;
  request.policies.push_back(
      text(R"({"Statement":[{"Effect":"Allow","Action":"kinesis:GetRecords","Resource":"*"}]})",
           auth::PolicyKind::kSession));
  const auto session = identity->start_session(request);
  const auto found = identity->find(session->access_key_id, session->token);
  EXPECT_TRUE(may((*found)->principal, "kinesis:GetRecords"));
  EXPECT_FALSE(may((*found)->principal, "kinesis:PutRecord"));
}

TEST_F(IdentityTest, AFailedSaveChangesNothing) {
  store.fail();
  const auto done = core.run(identity->edit([](Edit& edit) -> api::Outcome<void> {
    User user;
    user.name = "ghost";
    edit.put(std::move(user));
    return {};
  }));
  EXPECT_EQ(done.error().status, 500);
  EXPECT_EQ(identity->directory()->user("ghost"), nullptr);
}

}  // namespace
}  // namespace identity
