// Any text as a policy of any kind: parsing ends with a document or an error, and what parses can
// be evaluated.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "auth/evaluate.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8'192) return 0;
  constexpr std::array kKinds = {auth::PolicyKind::kIdentity, auth::PolicyKind::kManaged,
                                 auth::PolicyKind::kResource, auth::PolicyKind::kTrust};
  const auth::PolicyKind kind = kKinds[data[0] % kKinds.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto document = auth::parse_shared_policy(text, kind);
  if (!document) {
    CHECK(!document.error().message.empty());
    return 0;
  }
  auth::Principal who = auth::user_principal("123456789012", "/", "alice", "AIDAALICE00000000000");
  const auth::Context context =
      auth::global_context(who, {.source_ip = "10.0.0.1", .region = "us-east-1"},
                           base::from_epoch_ms(1'795'410'000'000));
  const std::vector identity = {*document};
  const auth::AccessRequest request{.principal = &who,
                                    .action = "s3:GetObject",
                                    .resource = "arn:aws:s3:::bucket/alice/key",
                                    .context = &context};
  const bool principal = kind == auth::PolicyKind::kResource || kind == auth::PolicyKind::kTrust;
  if (principal) (void)auth::evaluate(request, {.resource = identity.front().get()});
  else (void)auth::evaluate(request, {.identity = identity});
  return 0;
}
