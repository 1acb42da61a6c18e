#pragma once

// UrlFront: the HTTP side of function URLs. Finds the URL that a request is for, decides who may
// call it, runs the function and passes its answer on. One per server, thread-safe; what it is
// given outlives it.
//
// A URL is addressed by its host name, ID.lambda-url.REGION.on.aws, as a DNS name or in the Host
// header, by ID.lambda-url.REGION.localhost, or by a path, /_millrace/url/ID/..., whose rest the
// function sees.

#include "auth/authenticator.h"
#include "auth/authorizer.h"
#include "services/lambda/lambda.h"
#include "wire/http_types.h"

namespace services::lambda {

// A request of which URL, and what the function is to see as its path.
struct UrlPlace {
  std::string id;
  std::string path;
};
std::optional<UrlPlace> url_place(const wire::HttpRequest& request);
// The host name of a URL.
std::string url_domain(const std::string& id, const std::string& region);

class UrlFront {
 public:
  UrlFront(const Deps& deps, auth::Authenticator& authenticator, const auth::Authorizer& authorizer)
      : deps_(deps), authenticator_(authenticator), authorizer_(authorizer) {}

  static bool takes(const wire::HttpRequest& request) { return url_place(request).has_value(); }
  async::Task<wire::HttpResponse> handle(wire::HttpRequest request);

 private:
  struct Call;
  std::optional<wire::HttpResponse> refuse(Call& call);
  std::optional<wire::HttpResponse> authenticate(Call& call);
  async::Task<wire::HttpResponse> run(functions::Invocation invocation);
  async::Task<wire::HttpResponse> stream(functions::Invocation invocation);

  const Deps& deps_;
  auth::Authenticator& authenticator_;
  const auth::Authorizer& authorizer_;
};

}  // namespace services::lambda
