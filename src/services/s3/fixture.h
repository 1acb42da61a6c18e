#pragma once

// For tests: S3 over a store in memory, asked with HTTP requests as the dispatcher asks it, but
// for signatures. Lives on the test's thread.

#include <gtest/gtest.h>

#include "api/s3/operations.h"
#include "async/manual_core.h"
#include "auth/policy.h"
#include "base/encoding.h"
#include "io/faulty_files.h"
#include "services/s3/s3.h"
#include "store/memory_store.h"
#include "wire/caller.h"
#include "wire/render_error.h"
#include "wire/rest_codec.h"

namespace services::s3 {

inline constexpr std::string_view kAccount = "123456789012";
inline constexpr std::string_view kOtherAccount = "210987654321";

// Identity policies by principal ARN.
class Policies final : public auth::PolicySource {
 public:
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(
      const auth::Principal& principal) const override {
    const auto found = by_arn_.find(principal.arn);
    return found == by_arn_.end() ? nullptr : found->second;
  }
  // `statement` is the inside of a statement.
  void allow(const auth::Principal& principal, const std::string& statement) {
    auto policies = std::make_shared<auth::PrincipalPolicies>();
    auto parsed =
        auth::parse_shared_policy(R"({"Version":"2012-10-17","Statement":[{)" + statement + "}]}",
                                  auth::PolicyKind::kIdentity);
    EXPECT_TRUE(parsed.has_value());
    if (parsed) policies->identity.push_back(*parsed);
    by_arn_[principal.arn] = std::move(policies);
  }

 private:
  std::map<std::string, std::shared_ptr<const auth::PrincipalPolicies>> by_arn_;
};

class S3Test : public testing::Test {
 protected:
  S3Test() {
    register_operations(registry, deps);
    router = std::make_unique<wire::RestRouter>(api::s3::operations());
    EXPECT_TRUE(core.run(objects.open()).has_value());
  }

  // `target` is path and query.
  wire::HttpResponse ask(const auth::Principal& who, std::string method, std::string target,
                         std::vector<wire::Header> headers = {}, std::string body = {}) {
    wire::HttpRequest request{.method = std::move(method),
                              .headers = std::move(headers),
                              .body = std::move(body),
                              .peer_address = "127.0.0.1"};
    const std::size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    return answer(who, request);
  }
  wire::HttpResponse ask(std::string method, std::string target,
                         std::vector<wire::Header> headers = {}, std::string body = {}) {
    return ask(root, std::move(method), std::move(target), std::move(headers), std::move(body));
  }
  static std::string header(const wire::HttpResponse& response, std::string_view name) {
    const std::string* const value = response.find(name);
    return value == nullptr ? "(none)" : *value;
  }
  // The text of the first element of that name.
  static std::string element(const wire::HttpResponse& response, const std::string& name) {
    const std::size_t from = response.body.find("<" + name + ">");
    if (from == std::string::npos) return "(none)";
    const std::size_t start = from + name.size() + 2;
    return response.body.substr(start, response.body.find('<', start) - start);
  }

  const auth::Principal root = auth::root_principal(kAccount);
  const auth::Principal stranger = auth::anonymous_principal();
  const auth::Principal bob = auth::user_principal(kAccount, "/", "bob", "AIDABOB0000000000000");
  const auth::Principal eve =
      auth::user_principal(kOtherAccount, "/", "eve", "AIDAEVE0000000000000");

  base::ManualClock clock;
  base::SeededRandom random{5};
  async::ManualCore core{clock};
  async::BlockingPool pool{1};
  store::MemoryStore store;
  io::FaultyFiles files{random};
  objects::Objects objects{store, files, pool, clock, random, "objects"};
  Policies policies;
  auth::Authorizer authorizer{policies, clock};
  const Deps deps{objects, authorizer};
  wire::Registry registry;
  std::unique_ptr<wire::RestRouter> router;
  std::string region = "us-east-1";

 private:
  wire::HttpResponse answer(const auth::Principal& who, const wire::HttpRequest& request) {
    wire::Context context;
    context.principal = std::make_shared<const auth::Principal>(who);
    context.account_id = who.account_id.empty() ? std::string(kAccount) : who.account_id;
    context.region = region;
    context.request_id = "id";
    context.http = &request;
    const auto refuse = [&](const api::Error& error) {
      return wire::render_error(error, api::s3::kService,
                                {.request_id = "id", .head = request.method == "HEAD"});
    };
    const auto match = router->find(request);
    if (!match) return refuse(wire::unknown_operation(api::s3::kService, ""));
    const wire::Endpoint* const endpoint = registry.find(*match->operation);
    if (endpoint == nullptr) return refuse(wire::unknown_operation(api::s3::kService, ""));
    const auto input = endpoint->make_input();
    const auto decoded = wire::decode_rest(request, match->labels, *match->operation, input.get());
    if (!decoded) return refuse(decoded.error());
    const auto output = core.run(wire::execute(*endpoint, authorizer, context, input.get()));
    if (!output) return refuse(output.error());
    return wire::encode_rest(*match->operation, output->get());
  }
};

}  // namespace services::s3
