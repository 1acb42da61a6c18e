#include "functions/extensions.h"

#include <gtest/gtest.h>

#include "async/gate.h"
#include "async/manual_core.h"
#include "base/check.h"

namespace functions {
namespace {

struct Reply {
  std::optional<wire::HttpResponse> response;
};

class ExtensionsTest : public testing::Test {
 protected:
  static async::Task<void> ask(Extensions& extensions, wire::HttpRequest request,
                               std::shared_ptr<Reply> reply) {
    reply->response = co_await extensions.serve(std::move(request));
  }
  std::shared_ptr<Reply> begin(wire::HttpRequest request) {
    auto reply = std::make_shared<Reply>();
    async::spawn(core, gate, ask(extensions, std::move(request), reply));
    core.run_ready();
    return reply;
  }
  wire::HttpResponse call(std::string what, std::string body = "",
                          std::vector<wire::Header> headers = {}) {
    wire::HttpRequest request;
    request.method = what == "event/next" ? "GET" : "POST";
    request.path = std::string(kExtensionApiPath) + what;
    request.body = std::move(body);
    request.headers = std::move(headers);
    const auto reply = begin(std::move(request));
    CHECK(reply->response);
    return std::move(*reply->response);
  }
  std::shared_ptr<Reply> next(const std::string& id) {
    wire::HttpRequest request;
    request.method = "GET";
    request.path = std::string(kExtensionApiPath) + "event/next";
    request.headers = {{"Lambda-Extension-Identifier", id}};
    return begin(std::move(request));
  }
  std::string enroll(const std::string& name, const std::string& events) {
    const auto answer =
        call("register", R"({"events":[)" + events + "]}", {{"Lambda-Extension-Name", name}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    const std::string* const id = answer.find("lambda-extension-identifier");
    return id == nullptr ? std::string() : *id;
  }
  void TearDown() override {
    extensions.close();
    core.run(gate.close());
  }

  base::ManualClock clock;
  async::ManualCore core{clock};
  base::SeededRandom random{7};
  FunctionKey key{"1", "r", "f"};
  Version version;
  int changes = 0;
  std::vector<Extensions::Failure> failures;
  async::Gate gate;
  Extensions extensions{{.key = key,
                         .version = version,
                         .random = random,
                         .changed = [this] { ++changes; },
                         .failed = [this](Extensions::Failure f) { failures.push_back(f); }}};
};

TEST_F(ExtensionsTest, AreReadyOnceEachHasAskedForAnEvent) {
  extensions.expect({"a", "b"});
  EXPECT_FALSE(extensions.registered());
  const std::string a = enroll("a", R"("INVOKE","SHUTDOWN")");
  const std::string b = enroll("b", "");
  EXPECT_TRUE(extensions.registered());
  EXPECT_FALSE(extensions.ready());
  const auto first = next(a);
  const auto second = next(b);
  EXPECT_TRUE(extensions.ready());
  extensions.invoke("{1}");
  core.run_ready();
  ASSERT_TRUE(first->response);
  EXPECT_EQ(first->response->body, "{1}");
  EXPECT_FALSE(second->response);
  EXPECT_FALSE(extensions.ready());
  const auto third = next(a);
  EXPECT_TRUE(extensions.ready());
  EXPECT_TRUE(extensions.shut_down("{2}"));
  EXPECT_FALSE(extensions.shut_down("{3}"));
  core.run_ready();
  ASSERT_TRUE(third->response);
  EXPECT_EQ(third->response->body, "{2}");
  extensions.close();
  core.run_ready();
  EXPECT_EQ(second->response->status, 503);
}

TEST_F(ExtensionsTest, OfSeveralQuestionsOfOneTheLastCounts) {
  const std::string id = enroll("inner", R"("INVOKE")");
  const auto first = next(id);
  const auto second = next(id);
  extensions.invoke("{}");
  core.run_ready();
  EXPECT_EQ(first->response->status, 503);
  EXPECT_EQ(second->response->status, 200);
}

TEST_F(ExtensionsTest, InternalOnesAreNotToldOfTheEnd) {
  EXPECT_EQ(call("register", R"({"events":["SHUTDOWN"]})", {{"Lambda-Extension-Name", "i"}}).status,
            403);
  enroll("i", R"("INVOKE")");
  EXPECT_FALSE(extensions.shut_down("{}"));
}

TEST_F(ExtensionsTest, RefusesWhatItDoesNotKnow) {
  const auto type = [](const wire::HttpResponse& answer) {
    EXPECT_EQ(answer.status, 403);
    const std::size_t from = answer.body.find("Extension.");
    return answer.body.substr(from, answer.body.find('"', from) - from);
  };
  EXPECT_EQ(type(call("register", "{}")), "Extension.InvalidExtensionName");
  EXPECT_EQ(call("register", "no", {{"Lambda-Extension-Name", "a"}}).status, 403);
  EXPECT_EQ(type(call("register", R"({"events":["NAP"]})", {{"Lambda-Extension-Name", "a"}})),
            "Extension.InvalidEventType");
  EXPECT_EQ(type(call("event/next")), "Extension.MissingExtensionIdentifier");
  EXPECT_EQ(type(call("event/next", "", {{"Lambda-Extension-Identifier", "x"}})),
            "Extension.UnknownExtensionIdentifier");
  for (std::size_t i = 0; i < kExtensionsMax; ++i) enroll(std::to_string(i), "");
  EXPECT_EQ(type(call("register", "{}", {{"Lambda-Extension-Name", "0"}})),
            "Extension.InvalidExtensionState");
  EXPECT_EQ(type(call("register", "{}", {{"Lambda-Extension-Name", "n"}})),
            "Extension.TooManyExtensions");
  extensions.close_registration();
  EXPECT_EQ(type(call("register", "{}", {{"Lambda-Extension-Name", "n"}})),
            "Extension.RegistrationClosed");
  EXPECT_EQ(call("nothing").status, 404);
}

TEST_F(ExtensionsTest, TellTheirFailures) {
  const std::string id = enroll("a", "");
  EXPECT_EQ(call("init/error", "{}", {{"Lambda-Extension-Identifier", id}}).status, 403);
  const auto answer = call("exit/error", R"({"errorMessage":"full"})",
                           {{"Lambda-Extension-Identifier", id},
                            {"Lambda-Extension-Function-Error-Type", "Extension.Mine"}});
  EXPECT_EQ(answer.status, 202);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].type, "Extension.ExitError");
  EXPECT_EQ(failures[0].message, "full");
}

}  // namespace
}  // namespace functions
