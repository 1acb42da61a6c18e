#include "io/faulty_files.h"

#include <algorithm>

#include "base/check.h"

namespace io {

namespace {
std::unexpected<base::Error> gone(const std::string& path) {
  return base::error(base::ErrorCode::kIo, path + ": opened before the crash");
}
std::unexpected<base::Error> missing(const std::string& path) {
  return base::error(base::ErrorCode::kNotFound, path + ": no such file or folder");
}
}  // namespace

class FaultyFiles::Handle final : public File {
 public:
  Handle(FaultyFiles& files, std::shared_ptr<Node> node, std::string path)
      : files_(files), node_(std::move(node)), path_(std::move(path)), life_(files.life_) {}

  base::Result<std::size_t> read_at(std::span<char> out, std::uint64_t offset) override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ != files_.life_) return gone(path_);
    const std::string& bytes = node_->current;
    if (offset >= bytes.size()) return 0;
    const std::size_t count = std::min<std::uint64_t>(out.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }

  // Every other time the bytes are not at hand.
  base::Result<std::optional<std::size_t>> read_cached_at(std::span<char> out,
                                                          std::uint64_t offset) override {
    if (files_.random_.below(2) == 0) return std::nullopt;
    ASSIGN_OR_RETURN(const std::size_t count, read_at(out, offset));
    return count;
  }

  base::Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ != files_.life_) return gone(path_);
    for (const std::string_view piece : pieces) {
      RETURN_IF_ERROR(files_.write(*node_, piece, offset));
      offset += piece.size();
    }
    return {};
  }
  using File::write_at;

  base::Status preallocate(std::uint64_t bytes) override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ != files_.life_) return gone(path_);
    if (bytes <= node_->current.size()) return {};
    if (files_.used_ + bytes - node_->current.size() > files_.space_)
      return base::error(base::ErrorCode::kNoSpace, path_ + ": no space left");
    files_.resize(*node_, bytes);
    return {};
  }

  base::Status truncate(std::uint64_t bytes) override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ != files_.life_) return gone(path_);
    files_.resize(*node_, bytes);
    return {};
  }

  base::Status sync_data() override {
    ++files_.syncs_;
    files_.holding_.wait(true);
    const std::lock_guard lock(files_.mutex_);
    if (life_ != files_.life_) return gone(path_);
    return files_.sync(*node_, path_);
  }

  base::Result<std::uint64_t> size() override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ != files_.life_) return gone(path_);
    return node_->current.size();
  }

  void release_cached(std::uint64_t offset, std::uint64_t bytes) override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ == files_.life_) node_->released = std::max(node_->released, offset + bytes);
  }

 private:
  FaultyFiles& files_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const std::uint64_t life_;
};

class FaultyFiles::Lock final : public FileLock {
 public:
  Lock(FaultyFiles& files, std::string path)
      : files_(files), path_(std::move(path)), life_(files.life_) {}
  ~Lock() override {
    const std::lock_guard lock(files_.mutex_);
    if (life_ == files_.life_) files_.locks_.erase(path_);
  }

 private:
  FaultyFiles& files_;
  const std::string path_;
  const std::uint64_t life_;
};

std::uint64_t FaultyFiles::released(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  return found == names_.end() ? 0 : found->second->released;
}

std::string FaultyFiles::folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

void FaultyFiles::apply(Names& names, const Change& change) {
  for (const auto& [path, node] : change) {
    if (node) names[path] = node;
    else names.erase(path);
  }
}

void FaultyFiles::change(const std::string& folder, Change change) {
  apply(names_, change);
  folders_[folder].changes.push_back(std::move(change));
}

bool FaultyFiles::draw(std::uint64_t one_in) { return one_in != 0 && random_.below(one_in) == 0; }

base::Status FaultyFiles::write(Node& node, std::string_view bytes, std::uint64_t offset) {
  base::Status status;
  const std::uint64_t before = node.current.size();
  const std::uint64_t grown = std::max<std::uint64_t>(offset + bytes.size(), before) - before;
  if (used_ + grown > space_)
    status = base::error(base::ErrorCode::kNoSpace, "write: no space left");
  else if (draw(fail_writes_one_in_))
    status = base::error(base::ErrorCode::kIo, "write: injected fault");
  if (!status) bytes = bytes.substr(0, random_.below(bytes.size() + 1));
  if (offset + bytes.size() > before && status) resize(node, offset + bytes.size());
  if (offset >= node.current.size()) return status;
  bytes = bytes.substr(0, node.current.size() - offset);
  node.current.replace(offset, bytes.size(), bytes);
  for (std::uint64_t at = offset; at < offset + bytes.size(); at += kSectorBytes)
    node.dirty.insert(at / kSectorBytes);
  if (!bytes.empty()) node.dirty.insert((offset + bytes.size() - 1) / kSectorBytes);
  return status;
}

void FaultyFiles::resize(Node& node, std::uint64_t bytes) {
  used_ = used_ + bytes - node.current.size();
  const std::uint64_t low = std::min<std::uint64_t>(bytes, node.current.size());
  const std::uint64_t high = std::max<std::uint64_t>(bytes, node.current.size());
  for (std::uint64_t sector = low / kSectorBytes; sector * kSectorBytes < high; ++sector)
    node.dirty.insert(sector);
  node.current.resize(bytes, '\0');
}

base::Status FaultyFiles::sync(Node& node, const std::string& path) {
  if (draw(fail_syncs_one_in_))
    return base::error(base::ErrorCode::kIo, "sync " + path + ": injected fault");
  node.synced.resize(node.current.size(), '\0');
  for (const std::uint64_t sector : node.dirty) {
    const std::uint64_t at = sector * kSectorBytes;
    if (at >= node.current.size()) continue;
    node.synced.replace(at, kSectorBytes, node.current, at, kSectorBytes);
  }
  node.dirty.clear();
  return {};
}

void FaultyFiles::crash_node(Node& node) {
  // The size is metadata: the old or the new one.
  std::string survived = node.synced;
  if (random_.below(2) == 0) survived.resize(node.current.size(), '\0');
  for (const std::uint64_t sector : node.dirty) {
    const std::uint64_t at = sector * kSectorBytes;
    if (at >= survived.size() || at >= node.current.size() || random_.below(2) == 0) continue;
    const std::size_t count =
        std::min<std::uint64_t>({kSectorBytes, survived.size() - at, node.current.size() - at});
    survived.replace(at, count, node.current, at, count);
  }
  node.current = survived;
  node.synced = std::move(survived);
  node.dirty.clear();
}

void FaultyFiles::crash() {
  const std::lock_guard lock(mutex_);
  ++life_;
  locks_.clear();
  names_.clear();
  for (auto& [path, folder] : folders_) {
    folder.changes.resize(random_.below(folder.changes.size() + 1));
    for (const Change& change : folder.changes) apply(folder.synced, change);
    folder.changes.clear();
    names_.insert(folder.synced.begin(), folder.synced.end());
  }
  used_ = 0;
  for (const auto& [path, node] : names_) {
    crash_node(*node);
    used_ += node->current.size();
  }
}

base::Result<std::unique_ptr<File>> FaultyFiles::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (mode != OpenMode::kCreateNew) {
    if (found == names_.end()) return missing(path);
    return std::make_unique<Handle>(*this, found->second, path);
  }
  if (found != names_.end()) return base::error(base::ErrorCode::kAlreadyExists, path + ": exists");
  if (!folders_.contains(folder_of(path))) return missing(folder_of(path));
  auto node = std::make_shared<Node>();
  change(folder_of(path), {{path, node}});
  return std::make_unique<Handle>(*this, std::move(node), path);
}

base::Result<std::vector<std::string>> FaultyFiles::list(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  if (!folders_.contains(folder)) return missing(folder);
  std::vector<std::string> names;
  for (const auto& [path, node] : names_)
    if (folder_of(path) == folder) names.push_back(path.substr(folder.size() + 1));
  return names;
}

base::Status FaultyFiles::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end()) return missing(from);
  change(folder_of(from), {{from, nullptr}, {to, found->second}});
  return {};
}

base::Status FaultyFiles::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return missing(path);
  used_ -= found->second->current.size();
  change(folder_of(path), {{path, nullptr}});
  return {};
}

// Folders outlive crashes: nothing under test makes one after its first start.
base::Status FaultyFiles::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  folders_.try_emplace(path);
  return {};
}

base::Status FaultyFiles::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = folders_.find(path);
  if (found == folders_.end()) return missing(path);
  if (draw(fail_syncs_one_in_))
    return base::error(base::ErrorCode::kIo, "sync " + path + ": injected fault");
  for (const Change& change : found->second.changes) apply(found->second.synced, change);
  found->second.changes.clear();
  return {};
}

base::Result<std::unique_ptr<FileLock>> FaultyFiles::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!locks_.insert(path).second)
    return base::error(base::ErrorCode::kConflict, path + " is held by another process");
  return std::make_unique<Lock>(*this, path);
}

void FaultyFiles::fail_writes(std::uint64_t one_in) {
  const std::lock_guard lock(mutex_);
  fail_writes_one_in_ = one_in;
}
void FaultyFiles::fail_syncs(std::uint64_t one_in) {
  const std::lock_guard lock(mutex_);
  fail_syncs_one_in_ = one_in;
}
void FaultyFiles::limit_space(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  space_ = bytes;
}
void FaultyFiles::hold_syncs() { holding_ = true; }
void FaultyFiles::release_syncs() {
  holding_ = false;
  holding_.notify_all();
}

void FaultyFiles::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  const std::lock_guard lock(mutex_);
  Node& node = *names_.at(path);
  CHECK(offset < node.current.size());
  node.current[offset] = static_cast<char>(node.current[offset] ^ (1U << bit));
  if (offset < node.synced.size())
    node.synced[offset] = static_cast<char>(node.synced[offset] ^ (1U << bit));
}

}  // namespace io
