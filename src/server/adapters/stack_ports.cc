#include "server/adapters/stack_ports.h"

#include "api/s3/operations.h"
#include "base/encoding.h"
#include "wire/route.h"

namespace server {
namespace {

api::Error unsupported_url() {
  return {.code = "ValidationError",
          .status = 400,
          .message = "TemplateURL must be a supported URL.",
          .detail = nullptr};
}

}  // namespace

std::optional<ObjectName> parse_object_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t slash = url.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view host = url.substr(0, slash);
  std::string path = base::uri_decode(url.substr(slash + 1));
  const std::string_view bucket = wire::bucket_of_host(host);
  ObjectName name;
  if (!bucket.empty()) {
    name = {std::string(bucket), std::move(path)};
  } else {
    const std::size_t split = path.find('/');
    if (split == std::string::npos) return std::nullopt;
    name = {path.substr(0, split), path.substr(split + 1)};
  }
  if (name.bucket.empty() || name.key.empty()) return std::nullopt;
  return name;
}

async::Task<api::Outcome<std::string>> BucketTemplates::read(wire::Context context,
                                                             std::string url) {
  auto name = parse_object_url(url);
  if (!name) co_return std::unexpected(unsupported_url());
  api::s3::op::GetObject::Input input;
  input.bucket = std::move(name->bucket);
  input.key = std::move(name->key);
  auto got = co_await caller_.call<api::s3::op::GetObject>(std::move(context), std::move(input));
  if (!got)
    co_return std::unexpected(api::Error{.code = "ValidationError",
                                         .status = 400,
                                         .message = "S3 error: " + got.error().message,
                                         .detail = nullptr});
  co_return std::move(got->body).value_or("");
}

std::string ResponseRoute::url_for(const std::string&, const std::string& token) const {
  return endpoint_ + std::string(kPath) + token;
}

std::string ResponseRoute::token_of(const std::string& url) const {
  const std::size_t at = url.find(kPath);
  if (at == std::string::npos) return {};
  const std::string token = url.substr(at + kPath.size());
  return token.substr(0, token.find('?'));
}

namespace {

async::Task<wire::HttpResponse> answer(stacks::ResponseChannel& channel, const ResponseRoute& route,
                                       wire::HttpRequest request) {
  using Delivery = stacks::ResponseChannel::Delivery;
  wire::HttpResponse response;
  if (request.method != "PUT") {
    response.status = 405;
    co_return response;
  }
  switch (channel.deliver(route.token_of(request.path), std::move(request.body))) {
    case Delivery::kTaken: response.status = 200; break;
    case Delivery::kUnknownToken: response.status = 403; break;
    case Delivery::kTooLarge: response.status = 413; break;
    case Delivery::kFull: response.status = 503; break;
  }
  co_return response;
}

}  // namespace

wire::HttpHandler response_handler(stacks::ResponseChannel& channel, const ResponseRoute& route) {
  return [&channel, &route](wire::HttpRequest request) {
    return answer(channel, route, std::move(request));
  };
}

}  // namespace server
