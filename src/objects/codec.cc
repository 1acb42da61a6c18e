#include "objects/codec.h"

#include "base/encoding.h"

namespace objects {
namespace {

constexpr std::uint8_t kVersion = 1;

class Writer {
 public:
  explicit Writer(std::uint8_t version) { u8(version); }

  void u8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void flag(bool value) { u8(value ? 1 : 0); }
  void u16(std::uint16_t value) { base::append_u16(out_, value); }
  void u32(std::size_t value) { base::append_u32(out_, static_cast<std::uint32_t>(value)); }
  void u64(std::uint64_t value) { base::append_u64(out_, value); }
  void time(base::Timestamp value) { u64(static_cast<std::uint64_t>(base::to_epoch_ms(value))); }
  void text(std::string_view value) {
    u32(value.size());
    out_ += value;
  }
  void map(const std::map<std::string, std::string>& value) {
    u32(value.size());
    for (const auto& [name, item] : value) {
      text(name);
      text(item);
    }
  }
  void acl(const Acl& value) {
    u32(value.grants.size());
    for (const Grant& grant : value.grants) {
      flag(grant.group);
      text(grant.grantee);
      u8(static_cast<std::uint8_t>(grant.permission));
    }
  }
  void checksum(const Checksum& value) {
    text(value.algorithm);
    text(value.value);
    flag(value.composite);
  }
  void blob(const Blob& value) {
    text(value.id);
    u64(value.size);
    flag(value.in_file);
  }
  void settings(const Settings& value) {
    for (const std::string* field :
         {&value.content_type, &value.cache_control, &value.content_disposition,
          &value.content_encoding, &value.content_language, &value.expires, &value.website_redirect,
          &value.storage_class})
      text(*field);
    map(value.metadata);
    map(value.tags);
    acl(value.acl);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// After the first malformed field everything reads as nothing; done() tells.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {
    if (u8() != kVersion) failed_ = true;
  }

  std::uint8_t u8() {
    const std::string_view bytes = take(1);
    return bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes[0]);
  }
  bool flag() { return u8() != 0; }
  std::uint16_t u16() {
    const std::string_view bytes = take(2);
    return bytes.empty() ? 0 : base::read_u16(bytes);
  }
  std::uint32_t u32() {
    const std::string_view bytes = take(4);
    return bytes.empty() ? 0 : base::read_u32(bytes);
  }
  std::uint64_t u64() {
    const std::string_view bytes = take(8);
    return bytes.empty() ? 0 : base::read_u64(bytes);
  }
  base::Timestamp time() { return base::from_epoch_ms(static_cast<std::int64_t>(u64())); }
  std::string text() { return std::string(take(u32())); }
  std::map<std::string, std::string> map() {
    std::map<std::string, std::string> value;
    const std::uint32_t count = u32();
    for (std::uint32_t i = 0; i < count && !failed_; ++i) {
      std::string name = text();
      value[std::move(name)] = text();
    }
    return value;
  }
  Acl acl() {
    Acl value;
    const std::uint32_t count = u32();
    for (std::uint32_t i = 0; i < count && !failed_; ++i) {
      Grant grant;
      grant.group = flag();
      grant.grantee = text();
      const std::uint8_t permission = u8();
      if (permission > static_cast<std::uint8_t>(Permission::kFullControl)) failed_ = true;
      else grant.permission = static_cast<Permission>(permission);
      value.grants.push_back(std::move(grant));
    }
    return value;
  }
  Checksum checksum() {
    Checksum value;
    value.algorithm = text();
    value.value = text();
    value.composite = flag();
    return value;
  }
  Blob blob() {
    Blob value;
    value.id = text();
    value.size = u64();
    value.in_file = flag();
    return value;
  }
  Settings settings() {
    Settings value;
    for (std::string* field :
         {&value.content_type, &value.cache_control, &value.content_disposition,
          &value.content_encoding, &value.content_language, &value.expires, &value.website_redirect,
          &value.storage_class})
      *field = text();
    value.metadata = map();
    value.tags = map();
    value.acl = acl();
    return value;
  }
  bool failed() const { return failed_; }

  template <class T>
  base::Result<T> done(T value, std::string_view what) const {
    if (failed_ || !rest_.empty())
      return base::error(base::ErrorCode::kCorruption, "malformed " + std::string(what));
    return value;
  }

 private:
  std::string_view take(std::size_t size) {
    if (failed_ || rest_.size() < size) {
      failed_ = true;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::string encode_bucket(const Bucket& bucket) {
  Writer out(kVersion);
  out.text(bucket.name);
  out.text(bucket.account_id);
  out.text(bucket.region);
  out.time(bucket.created);
  out.acl(bucket.acl);
  out.text(bucket.policy);
  out.map(bucket.tags);
  out.flag(bucket.public_access.has_value());
  const PublicAccessBlock block = bucket.public_access.value_or(PublicAccessBlock());
  out.flag(block.block_public_acls);
  out.flag(block.ignore_public_acls);
  out.flag(block.block_public_policy);
  out.flag(block.restrict_public_buckets);
  out.text(bucket.ownership);
  return out.take();
}

base::Result<Bucket> decode_bucket(std::string_view bytes) {
  Reader in(bytes);
  Bucket bucket;
  bucket.name = in.text();
  bucket.account_id = in.text();
  bucket.region = in.text();
  bucket.created = in.time();
  bucket.acl = in.acl();
  bucket.policy = in.text();
  bucket.tags = in.map();
  const bool blocked = in.flag();
  PublicAccessBlock block;
  block.block_public_acls = in.flag();
  block.ignore_public_acls = in.flag();
  block.block_public_policy = in.flag();
  block.restrict_public_buckets = in.flag();
  if (blocked) bucket.public_access = block;
  bucket.ownership = in.text();
  return in.done(std::move(bucket), "bucket");
}

std::string encode_object(const Object& object) {
  Writer out(kVersion);
  out.u64(object.size);
  out.text(object.etag);
  out.time(object.modified);
  out.settings(object.settings);
  out.checksum(object.checksum);
  out.flag(object.in_parts);
  out.u32(object.blobs.size());
  for (const Blob& blob : object.blobs) out.blob(blob);
  return out.take();
}

base::Result<Object> decode_object(std::string_view bytes, std::string key) {
  Reader in(bytes);
  Object object;
  object.key = std::move(key);
  object.size = in.u64();
  object.etag = in.text();
  object.modified = in.time();
  object.settings = in.settings();
  object.checksum = in.checksum();
  object.in_parts = in.flag();
  const std::uint32_t blobs = in.u32();
  for (std::uint32_t i = 0; i < blobs && !in.failed(); ++i) object.blobs.push_back(in.blob());
  return in.done(std::move(object), "object");
}

std::string encode_upload(const Upload& upload) {
  Writer out(kVersion);
  out.text(upload.key);
  out.text(upload.id);
  out.time(upload.started);
  out.text(upload.initiator);
  out.settings(upload.settings);
  out.text(upload.checksum_algorithm);
  out.flag(upload.composite);
  return out.take();
}

base::Result<Upload> decode_upload(std::string_view bytes) {
  Reader in(bytes);
  Upload upload;
  upload.key = in.text();
  upload.id = in.text();
  upload.started = in.time();
  upload.initiator = in.text();
  upload.settings = in.settings();
  upload.checksum_algorithm = in.text();
  upload.composite = in.flag();
  return in.done(std::move(upload), "upload");
}

std::string encode_part(const Part& part) {
  Writer out(kVersion);
  out.u16(part.number);
  out.text(part.etag);
  out.time(part.modified);
  out.checksum(part.checksum);
  out.blob(part.blob);
  return out.take();
}

base::Result<Part> decode_part(std::string_view bytes) {
  Reader in(bytes);
  Part part;
  part.number = in.u16();
  part.etag = in.text();
  part.modified = in.time();
  part.checksum = in.checksum();
  part.blob = in.blob();
  return in.done(std::move(part), "part");
}

}  // namespace objects
