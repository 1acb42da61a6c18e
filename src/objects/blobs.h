#pragma once

// Blobs: where the bytes of objects live. Small ones are values in the store, others files in one
// folder, each under a random name, written once and never changed.
//
// A file is synced, and its name too, before the batch that refers to it is submitted; that batch
// holds a key for it. It is removed after the batch that drops the key is durable. So every file
// without a key is an orphan, and sweep() removes it at start. Thread-safe.

#include <string>

#include "async/blocking.h"
#include "async/task.h"
#include "base/random.h"
#include "io/files.h"
#include "objects/entities.h"
#include "store/store.h"

namespace objects {

class Blobs {
 public:
  Blobs(store::Store& store, io::Files& files, async::BlockingPool& pool, base::Random& random,
        std::string folder);

  // Makes the folder and removes what no object refers to. Before anything else.
  async::Task<base::Status> open();

  struct Saved {
    Blob blob;
    std::string md5;          // 16 bytes
    std::string inline_body;  // what add() writes, of a small blob
  };
  // The bytes are safe, or small enough to travel in the batch. Errors: kNoSpace, kIo.
  async::Task<base::Result<Saved>> save(std::string body);
  // To the batch that makes the blob part of an object.
  static void add(store::Batch& batch, Saved saved);
  // To the batch after which nothing refers to the blob.
  static void drop(store::Batch& batch, const Blob& blob);
  // Removes the files among `blobs`: after that batch is durable, or if there never was one. What
  // fails is left to the next start.
  async::Task<void> forget(std::vector<Blob> blobs);

  // `size` bytes from `offset`, inside the blob. kConflict: it has gone meanwhile.
  async::Task<base::Result<std::string>> read(Blob blob, std::uint64_t offset, std::uint64_t size);

 private:
  std::string path_of(const std::string& id) const { return folder_ + "/" + id; }
  base::Status write_file(const std::string& id, std::string_view body);
  base::Result<std::string> read_file(const std::string& id, std::uint64_t offset,
                                      std::uint64_t size);

  store::Store& store_;
  io::Files& files_;
  async::BlockingPool& pool_;
  base::Random& random_;
  std::string folder_;
};

}  // namespace objects
