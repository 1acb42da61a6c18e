#include "services/dynamodb/bucket.h"

#include <fmt/format.h>

#include "api/s3/operations.h"

namespace services::dynamodb {

namespace {

namespace op = api::s3::op;

// Of the request only who sent it, and from where, still counts.
wire::Context lasting(wire::Context context) {
  context.http = nullptr;
  context.deadline = base::SteadyTime::max();
  return context;
}

std::unexpected<api::Error> failed(const api::Error& error) {
  return api::fail("S3" + error.code, error.status, error.message);
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

}  // namespace

CallerBucket::CallerBucket(const wire::Caller& caller, const wire::Context& context,
                           std::string bucket, std::optional<std::string> owner)
    : caller_(caller),
      context_(lasting(context)),
      bucket_(std::move(bucket)),
      owner_(std::move(owner)) {}

async::Task<api::Outcome<std::string>> CallerBucket::put(std::string key, std::string body) {
  op::PutObject::Input input;
  input.bucket = bucket_;
  input.expected_bucket_owner = owner_;
  input.key = std::move(key);
  input.body = std::move(body);
  const auto put = co_await caller_.call<op::PutObject>(context_, std::move(input));
  if (!put) co_return failed(put.error());
  co_return unquoted(put->e_tag.value_or(""));
}

async::Task<api::Outcome<backups::Bucket::Listing>> CallerBucket::list(std::string prefix,
                                                                       std::string after) {
  op::ListObjectsV2::Input input;
  input.bucket = bucket_;
  input.expected_bucket_owner = owner_;
  if (!prefix.empty()) input.prefix = std::move(prefix);
  if (!after.empty()) input.start_after = std::move(after);
  const auto page = co_await caller_.call<op::ListObjectsV2>(context_, std::move(input));
  if (!page) co_return failed(page.error());
  Listing found;
  found.more = page->is_truncated.value_or(false);
  if (page->contents) {
    for (const auto& object : *page->contents)
      found.entries.push_back(
          {object.key.value_or(""), static_cast<std::uint64_t>(object.size.value_or(0))});
  }
  co_return found;
}

async::Task<api::Outcome<std::string>> CallerBucket::read(std::string key, std::uint64_t offset,
                                                          std::uint64_t size) {
  op::GetObject::Input input;
  input.bucket = bucket_;
  input.expected_bucket_owner = owner_;
  input.key = std::move(key);
  input.range = fmt::format("bytes={}-{}", offset, offset + size - 1);
  auto got = co_await caller_.call<op::GetObject>(context_, std::move(input));
  if (!got) co_return failed(got.error());
  co_return std::move(got->body).value_or("");
}

}  // namespace services::dynamodb
