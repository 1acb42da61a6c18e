#include "tables/settings.h"

#include "tables/record.h"

namespace tables {
namespace {

// A number that may be absent, as the number after it: 0 is absent.
void write(ByteWriter& out, const std::optional<std::int64_t>& value) {
  out.varint(value ? static_cast<std::uint64_t>(*value) + 1 : 0);
}

std::optional<std::int64_t> read(ByteReader& in) {
  const std::uint64_t value = in.varint();
  if (value == 0) return std::nullopt;
  return static_cast<std::int64_t>(value - 1);
}

}  // namespace

std::string encode_policy(const ResourcePolicy& policy) {
  ByteWriter out;
  out.bytes(policy.text);
  out.bytes(policy.revision);
  return out.take();
}

base::Result<ResourcePolicy> decode_policy(std::string_view bytes) {
  ByteReader in(bytes);
  ResourcePolicy policy;
  policy.text = in.bytes();
  policy.revision = in.bytes();
  auto parsed = auth::parse_shared_policy(policy.text, auth::PolicyKind::kResource);
  if (in.bad() || !parsed)
    return base::error(base::ErrorCode::kCorruption, "a table's resource policy is not readable");
  policy.parsed = *std::move(parsed);
  return policy;
}

std::string encode_maxima(const Maxima& maxima) {
  ByteWriter out;
  write(out, maxima.read);
  write(out, maxima.write);
  return out.take();
}

Maxima decode_maxima(std::string_view bytes) {
  ByteReader in(bytes);
  Maxima made;
  made.read = read(in);
  made.write = read(in);
  return made;
}

std::string encode_warm(const Warm& warm) {
  ByteWriter out;
  out.varint(static_cast<std::uint64_t>(warm.read));
  out.varint(static_cast<std::uint64_t>(warm.write));
  return out.take();
}

Warm decode_warm(std::string_view bytes) {
  ByteReader in(bytes);
  Warm made;
  made.read = static_cast<std::int64_t>(in.varint());
  made.write = static_cast<std::int64_t>(in.varint());
  return made;
}

std::string encode_insights(const Insights& insights) {
  ByteWriter out;
  out.byte(insights.enabled ? 1 : 0);
  out.byte(insights.throttled_only ? 1 : 0);
  out.varint(
      static_cast<std::uint64_t>(insights.updated ? base::to_epoch_ms(*insights.updated) : 0));
  return out.take();
}

Insights decode_insights(std::string_view bytes) {
  ByteReader in(bytes);
  Insights made;
  made.enabled = in.byte() != 0;
  made.throttled_only = in.byte() != 0;
  const auto ms = static_cast<std::int64_t>(in.varint());
  if (ms != 0) made.updated = base::from_epoch_ms(ms);
  return made;
}

}  // namespace tables
