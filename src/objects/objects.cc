#include "objects/objects.h"

#include "base/encoding.h"
#include "objects/codec.h"
#include "objects/keys.h"
#include "store/for_each.h"

namespace objects {
namespace {

auto no_bucket(const std::string& name) {
  return base::error(base::ErrorCode::kNotFound, "no bucket " + name);
}
auto no_object(const std::string& bucket, const std::string& key) {
  return base::error(base::ErrorCode::kNotFound, "no object " + bucket + "/" + key);
}

base::Status check(const Condition& condition, const std::optional<Object>& object,
                   const std::string& bucket, const std::string& key) {
  if (condition.absent && object) return base::error(base::ErrorCode::kConflict, "it exists");
  if (!condition.etag) return {};
  if (!object) return no_object(bucket, key);
  if (*condition.etag != "*" && *condition.etag != object->etag)
    return base::error(base::ErrorCode::kConflict, "the ETag is another");
  return {};
}

}  // namespace

Objects::Objects(store::Store& store, io::Files& files, async::BlockingPool& pool,
                 const base::Clock& clock, base::Random& random, std::string folder)
    : store_(store),
      clock_(clock),
      random_(random),
      blobs_(store, files, pool, random, std::move(folder)) {}

async::Task<base::Status> Objects::open() {
  const base::Status swept = co_await blobs_.open();
  if (!swept) co_return swept;
  Buckets buckets;
  const base::Status read = co_await store::for_each_decoded(
      store_, std::string(kBucketPrefix), decode_bucket, [&buckets](Bucket bucket) {
        std::string name = bucket.name;
        buckets.emplace(std::move(name), std::make_shared<const Bucket>(std::move(bucket)));
      });
  if (!read) co_return read;
  buckets_.set(std::move(buckets));
  co_return base::Status();
}

async::Mutex& Objects::lane_of(const std::string& bucket, const std::string& key) {
  return lanes_[std::hash<std::string>{}(bucket + "/" + key) % kLanes];
}

base::Timestamp Objects::now_seconds() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.now());
}

async::Task<base::Status> Objects::settled() { return store_.durable(store_.applied()); }

// ---- buckets

BucketPtr Objects::find_bucket(const std::string& name) const {
  const auto buckets = buckets_.get();
  const auto found = buckets->find(name);
  return found == buckets->end() ? nullptr : found->second;
}

std::vector<BucketPtr> Objects::list_buckets(const std::string& account_id) const {
  std::vector<BucketPtr> found;
  const auto buckets = buckets_.get();
  for (const auto& [name, bucket] : *buckets)
    if (bucket->account_id == account_id) found.push_back(bucket);
  return found;
}

void Objects::publish(const std::string& name, BucketPtr bucket) {
  Buckets buckets = *buckets_.get();
  if (bucket) buckets[name] = std::move(bucket);
  else buckets.erase(name);
  buckets_.set(std::move(buckets));
}

async::Task<base::Result<BucketPtr>> Objects::create_bucket(Bucket bucket) {
  const auto lock = co_await changing_.lock();
  if (find_bucket(bucket.name))
    co_return base::error(base::ErrorCode::kAlreadyExists, "bucket " + bucket.name);
  bucket.created = now_seconds();
  store::Batch batch;
  batch.put(bucket_key(bucket.name), encode_bucket(bucket));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  const auto made = std::make_shared<const Bucket>(std::move(bucket));
  publish(made->name, made);
  co_return made;
}

async::Task<base::Result<BucketPtr>> Objects::update_bucket(
    std::string name, std::function<base::Status(Bucket&)> change) {
  const auto lock = co_await changing_.lock();
  const BucketPtr before = find_bucket(name);
  if (!before) co_return no_bucket(name);
  Bucket bucket = *before;
  const base::Status accepted = change(bucket);
  if (!accepted) co_return std::unexpected(accepted.error());
  store::Batch batch;
  batch.put(bucket_key(name), encode_bucket(bucket));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  const auto made = std::make_shared<const Bucket>(std::move(bucket));
  publish(name, made);
  co_return made;
}

async::Task<base::Status> Objects::remove_bucket(std::string name) {
  const auto lock = co_await changing_.lock();
  if (!find_bucket(name)) co_return no_bucket(name);
  std::vector<Blob> dropped;
  base::Result<store::Sequence> submitted = 0;
  {
    // Every lane, in order: nobody is between seeing the bucket and writing to it.
    std::vector<async::Mutex::Lock> locks;
    locks.reserve(kLanes);
    for (async::Mutex& lane : lanes_) {
      auto held = co_await lane.lock();
      locks.push_back(std::move(held));
    }
    const std::string space = object_space(name);
    const auto any =
        co_await store_.scan(space, store::prefix_end(space), store::ScanOptions{.limit = 1});
    if (!any) co_return std::unexpected(any.error());
    if (!any->empty())
      co_return base::error(base::ErrorCode::kConflict, "bucket " + name + " is not empty");
    store::Batch batch;
    auto uploads = co_await drop_uploads(name, batch);
    if (!uploads) co_return std::unexpected(uploads.error());
    dropped = *std::move(uploads);
    batch.erase(bucket_key(name));
    submitted = store_.submit(std::move(batch));
    if (!submitted) co_return std::unexpected(submitted.error());
    publish(name, nullptr);
  }
  const base::Status removed = co_await store_.durable(*submitted);
  if (!removed) co_return removed;
  co_await blobs_.forget(std::move(dropped));
  co_return base::Status();
}

// ---- objects

async::Task<base::Result<std::optional<Object>>> Objects::load(std::string bucket,
                                                               std::string key) {
  const auto bytes = co_await store_.get(object_space(bucket) + key);
  if (!bytes) co_return std::unexpected(bytes.error());
  if (!bytes->has_value()) co_return std::optional<Object>();
  auto object = decode_object(**bytes, std::move(key));
  if (!object) co_return std::unexpected(object.error());
  co_return std::optional<Object>(*std::move(object));
}

async::Task<base::Result<Object>> Objects::find(std::string bucket, std::string key) {
  auto object = co_await load(bucket, key);
  if (!object) co_return std::unexpected(object.error());
  const base::Status safe = co_await settled();
  if (!safe) co_return std::unexpected(safe.error());
  if (!object->has_value()) co_return no_object(bucket, key);
  co_return **std::move(object);
}

async::Task<base::Result<store::Sequence>> Objects::replace(std::string bucket, Object object,
                                                            Condition condition, store::Batch batch,
                                                            std::vector<Blob>& replaced) {
  if (!find_bucket(bucket)) co_return no_bucket(bucket);
  auto before = co_await load(bucket, object.key);
  if (!before) co_return std::unexpected(before.error());
  const base::Status holds = check(condition, *before, bucket, object.key);
  if (!holds) {
    const base::Status safe = co_await settled();
    if (!safe) co_return std::unexpected(safe.error());
    co_return std::unexpected(holds.error());
  }
  if (before->has_value()) replaced = std::move((*before)->blobs);
  for (const Blob& blob : replaced) Blobs::drop(batch, blob);
  batch.put(object_space(bucket) + object.key, encode_object(object));
  co_return store_.submit(std::move(batch));
}

async::Task<base::Result<Object>> Objects::put(std::string bucket, std::string key,
                                               std::string body, Settings settings,
                                               Checksum checksum, Condition condition) {
  if (!find_bucket(bucket)) co_return no_bucket(bucket);
  auto saved = co_await blobs_.save(std::move(body));
  if (!saved) co_return std::unexpected(saved.error());
  Object object;
  object.key = std::move(key);
  object.size = saved->blob.size;
  object.etag = base::hex(saved->md5);
  object.modified = now_seconds();
  object.settings = std::move(settings);
  object.checksum = std::move(checksum);
  if (object.size > 0) object.blobs.push_back(saved->blob);

  std::vector<Blob> replaced;
  base::Result<store::Sequence> submitted = 0;
  {
    const auto lock = co_await lane_of(bucket, object.key).lock();
    store::Batch batch;
    Blobs::add(batch, *std::move(saved));
    submitted = co_await replace(bucket, object, condition, std::move(batch), replaced);
  }
  if (!submitted) {
    co_await blobs_.forget(object.blobs);
    co_return std::unexpected(submitted.error());
  }
  const base::Status safe = co_await store_.durable(*submitted);
  if (!safe) co_return std::unexpected(safe.error());
  co_await blobs_.forget(std::move(replaced));
  co_return object;
}

async::Task<base::Result<std::string>> Objects::read(Object object, std::uint64_t offset,
                                                     std::uint64_t size) {
  std::string bytes;
  for (const Blob& blob : object.blobs) {
    if (size == 0) break;
    if (offset >= blob.size) {
      offset -= blob.size;
      continue;
    }
    const std::uint64_t wanted = std::min(size, blob.size - offset);
    auto piece = co_await blobs_.read(blob, offset, wanted);
    if (!piece) co_return std::unexpected(piece.error());
    if (bytes.empty()) bytes = *std::move(piece);
    else bytes += *piece;
    size -= wanted;
    offset = 0;
  }
  co_return bytes;
}

async::Task<base::Result<Object>> Objects::update(std::string bucket, std::string key,
                                                  std::function<void(Settings&)> change) {
  base::Result<store::Sequence> submitted = 0;
  std::optional<Object> object;
  {
    const auto lock = co_await lane_of(bucket, key).lock();
    auto before = co_await load(bucket, key);
    if (!before) co_return std::unexpected(before.error());
    if (!before->has_value()) co_return no_object(bucket, key);
    object = *std::move(before);
    change(object->settings);
    store::Batch batch;
    batch.put(object_space(bucket) + key, encode_object(*object));
    submitted = store_.submit(std::move(batch));
  }
  if (!submitted) co_return std::unexpected(submitted.error());
  const base::Status safe = co_await store_.durable(*submitted);
  if (!safe) co_return std::unexpected(safe.error());
  co_return *std::move(object);
}

async::Task<base::Status> Objects::remove(std::string bucket, std::string key,
                                          Condition condition) {
  std::vector<Blob> dropped;
  {
    const auto lock = co_await lane_of(bucket, key).lock();
    auto before = co_await load(bucket, key);
    if (!before) co_return std::unexpected(before.error());
    const base::Status holds = check(condition, *before, bucket, key);
    if (!holds) {
      const base::Status known = co_await settled();
      co_return known ? holds : known;
    }
    if (before->has_value()) {
      store::Batch batch;
      batch.erase(object_space(bucket) + key);
      dropped = std::move((*before)->blobs);
      for (const Blob& blob : dropped) Blobs::drop(batch, blob);
      const auto submitted = store_.submit(std::move(batch));
      if (!submitted) co_return std::unexpected(submitted.error());
    }
  }
  const base::Status safe = co_await settled();
  if (!safe) co_return safe;
  co_await blobs_.forget(std::move(dropped));
  co_return base::Status();
}

async::Task<base::Result<ObjectPage>> Objects::list(std::string bucket, ListRequest request) {
  auto names = co_await list_names(store_, object_space(bucket), std::move(request));
  if (!names) co_return std::unexpected(names.error());
  ObjectPage page;
  for (store::KeyValue& entry : names->entries) {
    auto object = decode_object(entry.value, std::move(entry.key));
    if (!object) co_return std::unexpected(object.error());
    page.objects.push_back(*std::move(object));
  }
  page.prefixes = std::move(names->prefixes);
  page.truncated = names->truncated;
  page.last = std::move(names->last);
  const base::Status safe = co_await settled();
  if (!safe) co_return std::unexpected(safe.error());
  co_return page;
}

}  // namespace objects
