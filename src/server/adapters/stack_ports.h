#pragma once

// What stacks need: templates by URL from our own S3, and URLs to which custom resources answer.
// Thread-safe; owned by the server.

#include "stacks/ports.h"
#include "stacks/response_channel.h"
#include "wire/caller.h"
#include "wire/http_types.h"

namespace server {

// https://s3.amazonaws.com/BUCKET/KEY, https://BUCKET.s3.REGION.amazonaws.com/KEY and our own
// endpoint all mean our own S3; nothing is fetched from elsewhere.
class BucketTemplates final : public stacks::TemplateSource {
 public:
  explicit BucketTemplates(const wire::Caller& caller) : caller_(caller) {}

  async::Task<api::Outcome<std::string>> read(wire::Context context, std::string url) override;

 private:
  const wire::Caller& caller_;
};

struct ObjectName {
  std::string bucket;
  std::string key;
};
// Where a URL points in S3; nullopt: it is no such URL.
std::optional<ObjectName> parse_object_url(std::string_view url);

// http://HOST:PORT/_millrace/responses/TOKEN. The token is the permission, as on AWS, where it is
// the presigned signature.
class ResponseRoute final : public stacks::ResponseUrls {
 public:
  static constexpr std::string_view kPath = "/_millrace/responses/";

  void set_endpoint(std::string url) { endpoint_ = std::move(url); }  // before serving
  std::string url_for(const std::string& region, const std::string& token) const override;
  std::string token_of(const std::string& url) const override;

 private:
  std::string endpoint_;
};

// Serves PUT of the above.
wire::HttpHandler response_handler(stacks::ResponseChannel& channel, const ResponseRoute& route);

}  // namespace server
