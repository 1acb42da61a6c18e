#pragma once

// What stacks ask of others; server/ plugs them.

#include <string>

#include "api/error.h"
#include "async/task.h"
#include "wire/context.h"

namespace stacks {

// Reads templates by URL, with the caller's permissions. Thread-safe.
class TemplateSource {
 public:
  virtual ~TemplateSource() = default;
  // The body; at most kTemplateUrlBytesMax bytes. Errors in CloudFormation's words: "TemplateURL
  // must be a supported URL.", "S3 error: Access Denied".
  virtual async::Task<api::Outcome<std::string>> read(wire::Context context, std::string url) = 0;
};

// Makes the URLs to which custom resources and wait conditions answer. Thread-safe.
class ResponseUrls {
 public:
  virtual ~ResponseUrls() = default;
  // A URL that a function or a host can PUT to without credentials of its own; `token` is a secret
  // that comes back with the request, to be handed to ResponseChannel::deliver.
  virtual std::string url_for(const std::string& region, const std::string& token) const = 0;
  // The token of a URL that url_for() made; empty: it is none.
  virtual std::string token_of(const std::string& url) const = 0;
};

}  // namespace stacks
