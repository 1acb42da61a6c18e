#pragma once

// CallerBucket: a bucket of our own S3 as the one who asked for an export or an import may use it:
// each call goes through the same authorisation as his own would. Outlived by the Caller; keeps a
// copy of the caller's context. Internal.

#include "backups/ports.h"
#include "wire/caller.h"

namespace services::dynamodb {

class CallerBucket final : public backups::Bucket {
 public:
  // `owner`: the account that has to own the bucket; nullopt: any.
  CallerBucket(const wire::Caller& caller, const wire::Context& context, std::string bucket,
               std::optional<std::string> owner);

  async::Task<api::Outcome<std::string>> put(std::string key, std::string body) override;
  async::Task<api::Outcome<Listing>> list(std::string prefix, std::string after) override;
  async::Task<api::Outcome<std::string>> read(std::string key, std::uint64_t offset,
                                              std::uint64_t size) override;

 private:
  const wire::Caller& caller_;
  const wire::Context context_;
  const std::string bucket_;
  const std::optional<std::string> owner_;
};

}  // namespace services::dynamodb
