// Uploads in parts. Everything that changes one holds the lane of its key.
#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "objects/codec.h"
#include "objects/keys.h"
#include "objects/objects.h"

namespace objects {
namespace {

auto no_upload(const std::string& id) {
  return base::error(base::ErrorCode::kNotFound, "no upload " + id);
}

// MD5 of the parts' MD5s, and how many they were.
std::string joint_etag(const std::vector<Part>& parts) {
  std::string digests;
  for (const Part& part : parts) digests += base::from_hex(part.etag).value_or("");
  return fmt::format("{}-{}", base::hex(base::md5(digests)), parts.size());
}

// Bounds what one scan of a bucket's uploads holds in memory.
constexpr std::size_t kUploadsPage = 1000;

}  // namespace

async::Task<base::Result<Upload>> Objects::start_upload(std::string bucket, Upload upload) {
  upload.started = now_seconds();
  upload.id = fmt::format("{:012x}{}", static_cast<std::uint64_t>(base::to_epoch_ms(clock_.now())),
                          base::random_text(random_, base::kBase62, 52));
  base::Result<store::Sequence> submitted = 0;
  {
    const auto lock = co_await lane_of(bucket, upload.key).lock();
    if (!find_bucket(bucket))
      co_return base::error(base::ErrorCode::kNotFound, "no bucket " + bucket);
    store::Batch batch;
    batch.put(upload_key(bucket, upload.key, upload.id), encode_upload(upload));
    submitted = store_.submit(std::move(batch));
  }
  if (!submitted) co_return std::unexpected(submitted.error());
  const base::Status safe = co_await store_.durable(*submitted);
  if (!safe) co_return std::unexpected(safe.error());
  co_return upload;
}

async::Task<base::Result<Upload>> Objects::find_upload(std::string bucket, std::string key,
                                                       std::string id) {
  const auto bytes = co_await store_.get(upload_key(bucket, key, id));
  if (!bytes) co_return std::unexpected(bytes.error());
  const base::Status safe = co_await settled();
  if (!safe) co_return std::unexpected(safe.error());
  if (!bytes->has_value()) co_return no_upload(id);
  co_return decode_upload(**bytes);
}

async::Task<base::Result<Part>> Objects::put_part(std::string bucket, std::string key,
                                                  std::string id, std::uint16_t number,
                                                  std::string body, Checksum checksum) {
  auto saved = co_await blobs_.save(std::move(body));
  if (!saved) co_return std::unexpected(saved.error());
  Part part{.number = number,
            .etag = base::hex(saved->md5),
            .modified = now_seconds(),
            .checksum = std::move(checksum),
            .blob = saved->blob};
  std::vector<Blob> replaced;
  base::Result<store::Sequence> submitted = no_upload(id);
  {
    const auto lock = co_await lane_of(bucket, key).lock();
    const auto upload = co_await store_.get(upload_key(bucket, key, id));
    const auto before = co_await store_.get(part_key(id, number));
    if (upload && upload->has_value() && before) {
      store::Batch batch;
      Blobs::add(batch, *std::move(saved));
      if (before->has_value()) {
        const auto old = decode_part(**before);
        if (old) replaced.push_back(old->blob);
      }
      for (const Blob& blob : replaced) Blobs::drop(batch, blob);
      batch.put(part_key(id, number), encode_part(part));
      submitted = store_.submit(std::move(batch));
    } else if (!upload) {
      submitted = std::unexpected(upload.error());
    } else if (!before) {
      submitted = std::unexpected(before.error());
    }
  }
  if (!submitted) {
    co_await blobs_.forget({part.blob});
    co_return std::unexpected(submitted.error());
  }
  const base::Status safe = co_await store_.durable(*submitted);
  if (!safe) co_return std::unexpected(safe.error());
  co_await blobs_.forget(std::move(replaced));
  co_return part;
}

async::Task<base::Result<std::vector<Part>>> Objects::list_parts(std::string id,
                                                                 std::uint16_t after,
                                                                 std::size_t limit) {
  std::vector<Part> parts;
  std::string from = part_key(id, after) + '\0';
  const std::string to = store::prefix_end(part_space(id));
  while (parts.size() < limit) {
    const auto page = co_await store_.scan(
        from, to, store::ScanOptions{.limit = std::min<std::size_t>(limit - parts.size(), 1000)});
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) break;
    for (const store::KeyValue& entry : *page) {
      auto part = decode_part(entry.value);
      if (!part) co_return std::unexpected(part.error());
      parts.push_back(*std::move(part));
    }
    from = page->back().key + '\0';
  }
  const base::Status safe = co_await settled();
  if (!safe) co_return std::unexpected(safe.error());
  co_return parts;
}

async::Task<base::Result<std::vector<Part>>> Objects::load_parts(std::string id) {
  return list_parts(std::move(id), 0, kPartNumberMax);
}

async::Task<base::Result<Object>> Objects::complete(std::string bucket, std::string key,
                                                    std::string id, Choose choose,
                                                    Condition condition) {
  Object object;
  std::vector<Blob> unused;
  std::vector<Blob> replaced;
  base::Result<store::Sequence> submitted = 0;
  {
    const auto lock = co_await lane_of(bucket, key).lock();
    auto upload = co_await find_upload(bucket, key, id);
    if (!upload) co_return std::unexpected(upload.error());
    const auto parts = co_await load_parts(id);
    if (!parts) co_return std::unexpected(parts.error());
    auto choice = choose(*upload, *parts);
    if (!choice) co_return std::unexpected(choice.error());

    object.key = key;
    object.etag = joint_etag(choice->parts);
    object.modified = now_seconds();
    object.settings = std::move(upload->settings);
    object.checksum = std::move(choice->checksum);
    object.in_parts = true;
    for (const Part& part : choice->parts) {
      object.size += part.blob.size;
      object.blobs.push_back(part.blob);
    }
    store::Batch batch;
    batch.erase(upload_key(bucket, key, id));
    batch.erase_range(part_space(id), store::prefix_end(part_space(id)));
    for (const Part& part : *parts) {
      const bool used = std::ranges::any_of(
          choice->parts, [&](const Part& chosen) { return chosen.number == part.number; });
      if (used) continue;
      Blobs::drop(batch, part.blob);
      unused.push_back(part.blob);
    }
    submitted = co_await replace(bucket, object, condition, std::move(batch), replaced);
  }
  if (!submitted) co_return std::unexpected(submitted.error());
  const base::Status safe = co_await store_.durable(*submitted);
  if (!safe) co_return std::unexpected(safe.error());
  co_await blobs_.forget(std::move(unused));
  co_await blobs_.forget(std::move(replaced));
  co_return object;
}

async::Task<base::Status> Objects::abort(std::string bucket, std::string key, std::string id) {
  std::vector<Blob> dropped;
  base::Result<store::Sequence> submitted = 0;
  {
    const auto lock = co_await lane_of(bucket, key).lock();
    const auto upload = co_await find_upload(bucket, key, id);
    if (!upload) co_return std::unexpected(upload.error());
    const auto parts = co_await load_parts(id);
    if (!parts) co_return std::unexpected(parts.error());
    store::Batch batch;
    batch.erase(upload_key(bucket, key, id));
    batch.erase_range(part_space(id), store::prefix_end(part_space(id)));
    for (const Part& part : *parts) {
      Blobs::drop(batch, part.blob);
      dropped.push_back(part.blob);
    }
    submitted = store_.submit(std::move(batch));
  }
  if (!submitted) co_return std::unexpected(submitted.error());
  const base::Status safe = co_await store_.durable(*submitted);
  if (!safe) co_return safe;
  co_await blobs_.forget(std::move(dropped));
  co_return base::Status();
}

async::Task<base::Result<std::vector<Blob>>> Objects::drop_uploads(std::string bucket,
                                                                   store::Batch& batch) {
  std::vector<Blob> dropped;
  std::string from = upload_space(bucket);
  const std::string to = store::prefix_end(from);
  for (;;) {
    const auto page = co_await store_.scan(from, to, store::ScanOptions{.limit = kUploadsPage});
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) break;
    for (const store::KeyValue& entry : *page) {
      const auto upload = decode_upload(entry.value);
      if (!upload) co_return std::unexpected(upload.error());
      const auto parts = co_await load_parts(upload->id);
      if (!parts) co_return std::unexpected(parts.error());
      for (const Part& part : *parts) {
        Blobs::drop(batch, part.blob);
        dropped.push_back(part.blob);
      }
      const std::string space = part_space(upload->id);
      batch.erase_range(space, store::prefix_end(space));
      batch.erase(entry.key);
    }
    from = page->back().key + '\0';
  }
  co_return dropped;
}

async::Task<base::Result<UploadPage>> Objects::list_uploads(std::string bucket, ListRequest request,
                                                            std::string after_id) {
  // Without an id, after every upload of that key: no id starts with a byte this high.
  if (!request.after.empty()) request.after += '\0' + (after_id.empty() ? "\xff" : after_id);
  auto names = co_await list_names(store_, upload_space(bucket), std::move(request), true);
  if (!names) co_return std::unexpected(names.error());
  UploadPage page;
  for (const store::KeyValue& entry : names->entries) {
    auto upload = decode_upload(entry.value);
    if (!upload) co_return std::unexpected(upload.error());
    page.uploads.push_back(*std::move(upload));
  }
  page.prefixes = std::move(names->prefixes);
  page.truncated = names->truncated;
  const std::size_t end = names->last.rfind('\0');
  page.last_key = names->last.substr(0, end);
  if (end != std::string::npos) page.last_id = names->last.substr(end + 1);
  const base::Status safe = co_await settled();
  if (!safe) co_return std::unexpected(safe.error());
  co_return page;
}

}  // namespace objects
