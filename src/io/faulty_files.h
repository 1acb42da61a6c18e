#pragma once

// FaultyFiles: a disk in memory that forgets and fails, for tests. It remembers what was synced; on
// crash() every sector written since then keeps either its old or its new contents, by the drawn
// lot, and of a folder's unsynced changes (files made, renamed, removed) only the first few
// survive. Handles and locks from before the crash fail from then on.
//
// Not modelled: a failed sync that leaves the pages clean (the next sync then answers success).
// Thread-safe. Everything lives as long as the object does: keep files small.

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "base/random.h"
#include "io/files.h"

namespace io {

inline constexpr std::size_t kSectorBytes = 512;

class FaultyFiles final : public Files {
 public:
  // `random` outlives this.
  explicit FaultyFiles(base::Random& random) : random_(random) {}

  base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  base::Result<std::vector<std::string>> list(const std::string& folder) override;
  base::Status rename(const std::string& from, const std::string& to) override;
  base::Status remove(const std::string& path) override;
  base::Status make_folder(const std::string& path) override;
  base::Status sync_folder(const std::string& path) override;
  base::Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

  // The power goes and comes back.
  void crash();

  // From now on, one in `one_in` writes or syncs fails with kIo; 0: none. A failing write has
  // written a part of what it was given.
  void fail_writes(std::uint64_t one_in);
  void fail_syncs(std::uint64_t one_in);
  // Contents of all files together; a write beyond fails with kNoSpace after a part of it.
  void limit_space(std::uint64_t bytes);
  // Syncs block until released, so that a test can look at what happens meanwhile.
  void hold_syncs();
  void release_syncs();
  // Turns one bit, on the disk and in memory. CHECKs that the file reaches that far.
  void flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);

  // How often sync_data() has been called.
  std::uint64_t syncs() const { return syncs_; }
  // Up to where a file need not stay in memory, as its users said. 0: no such file.
  std::uint64_t released(const std::string& path) const;

 private:
  struct Node {
    std::string current;
    std::string synced;
    std::set<std::uint64_t> dirty;  // sectors that may differ between the two
    std::uint64_t released = 0;     // the end of what need not stay in memory
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;  // by path
  // What has happened to a folder's names since it was synced; null: removed.
  using Change = std::vector<std::pair<std::string, std::shared_ptr<Node>>>;
  struct Folder {
    Names synced;
    std::vector<Change> changes;
  };
  class Handle;
  class Lock;

  static std::string folder_of(const std::string& path);
  static void apply(Names& names, const Change& change);
  void change(const std::string& folder, Change change);
  void crash_node(Node& node);
  bool draw(std::uint64_t one_in);
  base::Status write(Node& node, std::string_view bytes, std::uint64_t offset);
  void resize(Node& node, std::uint64_t bytes);
  base::Status sync(Node& node, const std::string& path);

  base::Random& random_;
  mutable std::mutex mutex_;
  std::map<std::string, Folder> folders_;
  Names names_;
  std::set<std::string> locks_;
  std::uint64_t life_ = 0;  // grows with each crash
  std::uint64_t fail_writes_one_in_ = 0;
  std::uint64_t fail_syncs_one_in_ = 0;
  std::uint64_t space_ = UINT64_MAX;
  std::uint64_t used_ = 0;
  std::atomic<bool> holding_ = false;
  std::atomic<std::uint64_t> syncs_ = 0;
};

}  // namespace io
