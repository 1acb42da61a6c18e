#pragma once

// Objects: all buckets and objects of this server, of every account and region. One per server,
// thread-safe, on no core of its own. What a change answers is durable, what a read answers too.
//
// Changes of one key happen one after another (lanes, by hash); removing a bucket takes all lanes.
// Bytes are written before the lane is taken, so that it is held for a read and a submit only.
//
// Errors: kNotFound (bucket, key or upload), kAlreadyExists, kConflict (a condition that does not
// hold, a bucket that is not empty), else the store's and the disk's.

#include <array>
#include <functional>

#include "async/mutex.h"
#include "base/snapshot.h"
#include "objects/blobs.h"
#include "objects/listing.h"

namespace objects {

// What must be true of the key at the moment of a write.
struct Condition {
  bool absent = false;              // else kConflict
  std::optional<std::string> etag;  // else kConflict; kNotFound where there is no object
};

struct ObjectPage {
  std::vector<Object> objects;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string last;
};

struct UploadPage {
  std::vector<Upload> uploads;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string last_key;
  std::string last_id;  // empty: the last was a common prefix
};

class Objects {
 public:
  // `folder` holds the larger bodies; its parent exists.
  Objects(store::Store& store, io::Files& files, async::BlockingPool& pool,
          const base::Clock& clock, base::Random& random, std::string folder);

  // Loads the buckets and sweeps the folder. Once, before anything else.
  async::Task<base::Status> open();

  // --- buckets: lookups read a snapshot, without waiting
  BucketPtr find_bucket(const std::string& name) const;  // nullptr: none
  std::vector<BucketPtr> list_buckets(const std::string& account_id) const;
  // `bucket.created` is set here.
  async::Task<base::Result<BucketPtr>> create_bucket(Bucket bucket);
  // kConflict: it holds objects. Unfinished uploads go with it.
  async::Task<base::Status> remove_bucket(std::string name);
  // Changes all but name, account, region. `change` may refuse.
  async::Task<base::Result<BucketPtr>> update_bucket(std::string name,
                                                     std::function<base::Status(Bucket&)> change);

  // --- objects
  async::Task<base::Result<Object>> find(std::string bucket, std::string key);
  async::Task<base::Result<Object>> put(std::string bucket, std::string key, std::string body,
                                        Settings settings, Checksum checksum, Condition condition);
  // `size` bytes from `offset`, inside the object. kConflict: it was replaced meanwhile, find() it
  // again.
  async::Task<base::Result<std::string>> read(Object object, std::uint64_t offset,
                                              std::uint64_t size);
  // Changes tags and ACL only.
  async::Task<base::Result<Object>> update(std::string bucket, std::string key,
                                           std::function<void(Settings&)> change);
  // Success without the object, too.
  async::Task<base::Status> remove(std::string bucket, std::string key, Condition condition);
  async::Task<base::Result<ObjectPage>> list(std::string bucket, ListRequest request);

  // --- uploads in parts (uploads.cc)
  // `id` and `started` are set here.
  async::Task<base::Result<Upload>> start_upload(std::string bucket, Upload upload);
  async::Task<base::Result<Upload>> find_upload(std::string bucket, std::string key,
                                                std::string id);
  // Replaces a part of the same number.
  async::Task<base::Result<Part>> put_part(std::string bucket, std::string key, std::string id,
                                           std::uint16_t number, std::string body,
                                           Checksum checksum);
  // In order, those above `after`; at most `limit`.
  async::Task<base::Result<std::vector<Part>>> list_parts(std::string id, std::uint16_t after,
                                                          std::size_t limit);
  // Given the upload and all its parts, answers those that make the object and its checksum, or
  // refuses.
  struct Choice {
    std::vector<Part> parts;
    Checksum checksum;
  };
  using Choose = std::function<base::Result<Choice>(const Upload&, const std::vector<Part>&)>;
  async::Task<base::Result<Object>> complete(std::string bucket, std::string key, std::string id,
                                             Choose choose, Condition condition);
  async::Task<base::Status> abort(std::string bucket, std::string key, std::string id);
  // `after_id` only with `request.after`, which is a key.
  async::Task<base::Result<UploadPage>> list_uploads(std::string bucket, ListRequest request,
                                                     std::string after_id);

 private:
  static constexpr std::size_t kLanes = 64;
  using Buckets = std::map<std::string, BucketPtr, std::less<>>;

  async::Mutex& lane_of(const std::string& bucket, const std::string& key);
  void publish(const std::string& name, BucketPtr bucket);
  async::Task<base::Result<std::optional<Object>>> load(std::string bucket, std::string key);
  async::Task<base::Result<std::vector<Part>>> load_parts(std::string id);
  // All that the bucket's unfinished uploads hold; `batch` drops it.
  async::Task<base::Result<std::vector<Blob>>> drop_uploads(std::string bucket,
                                                            store::Batch& batch);
  // Puts `object` in place of whatever there is. Holds the key's lane already.
  async::Task<base::Result<store::Sequence>> replace(std::string bucket, Object object,
                                                     Condition condition, store::Batch batch,
                                                     std::vector<Blob>& replaced);
  // Waits until what was read is durable.
  async::Task<base::Status> settled();
  base::Timestamp now_seconds() const;

  store::Store& store_;
  const base::Clock& clock_;
  base::Random& random_;
  Blobs blobs_;
  base::Snapshot<Buckets> buckets_;
  async::Mutex changing_;  // one change of the buckets at a time
  std::array<async::Mutex, kLanes> lanes_;
};

}  // namespace objects
