#pragma once

// Dispatcher: one HTTP request from its bytes to its answer: who sent it, which operation it means,
// whether it is well formed and allowed, and then the operation itself. Owned by the server; its
// parts outlive it. Immutable once serving, so every core shares it.

#include <map>
#include <string>

#include "auth/authenticator.h"
#include "auth/authorizer.h"
#include "base/random.h"
#include "wire/http_types.h"
#include "wire/registry.h"
#include "wire/route.h"

namespace wire {

struct DispatcherOptions {
  std::string account_id;      // whose resources anonymous requests mean
  std::string default_region;  // of anonymous requests
};

class Dispatcher {
 public:
  // `registry` is complete; nothing is added to it afterwards.
  Dispatcher(DispatcherOptions options, const Registry& registry,
             auth::Authenticator& authenticator, const auth::Authorizer& authorizer,
             base::Random& random);

  // Requests whose path starts with `prefix` go to `handler` unauthenticated: it guards itself.
  // Before serving.
  void add_route(std::string prefix, HttpHandler handler);

  async::Task<HttpResponse> handle(HttpRequest request);

 private:
  struct Call;  // one request on its way

  async::Task<HttpResponse> dispatch(Call& call);
  api::Outcome<void> authenticate(Call& call);
  api::Outcome<void> inflate(Call& call);
  api::Outcome<void> read_body(Call& call);
  api::Outcome<std::shared_ptr<void>> decode(Call& call, const Endpoint& endpoint);
  HttpResponse encode(const Call& call, Reply& reply) const;
  HttpResponse refuse(const Call& call, const api::Error& error) const;
  HttpResponse refuse_signature(const Call& call, const api::Error& error) const;
  // What is said before anybody asks who called.
  std::optional<HttpResponse> before_signature(const Call& call) const;

  DispatcherOptions options_;
  const Registry& registry_;
  Router router_;
  auth::Authenticator& authenticator_;
  const auth::Authorizer& authorizer_;
  base::Random& random_;
  std::shared_ptr<const auth::Principal> stranger_;
  std::map<std::string, HttpHandler> routes_;
};

}  // namespace wire
