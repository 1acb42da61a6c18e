#include "functions/code_store.h"

#include <filesystem>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/log.h"

namespace functions {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kZipBytesMax = 256U << 20U;  // larger ones were never accepted
constexpr std::string_view kSuffix = ".zip";

std::string file_name(const std::string& sha256) {
  return base::hex(sha256) + std::string(kSuffix);
}

void remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);  // follows no links
  if (error) base::log_warn("functions: remove {}: {}", path, error.message());
}

// Moves everything below `from` to its place below `to`, over what stands there. Folders are
// joined; a link is never followed, on either side.
base::Status lay_over(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (fs::directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
    const fs::path target = to / at->path().filename();
    const fs::file_status is = at->symlink_status(error);
    if (error) break;
    const fs::file_status was = fs::symlink_status(target, error);
    const bool joined = fs::is_directory(is) && fs::is_directory(was);
    error.clear();
    if (joined) {
      RETURN_IF_ERROR(lay_over(at->path(), target));
      continue;
    }
    if (fs::exists(was)) fs::remove_all(target, error);
    if (!error) fs::rename(at->path(), target, error);
    if (error) break;
  }
  if (!error) return {};
  return base::error(base::ErrorCode::kInternal, "layers: " + error.message());
}

}  // namespace

CodeStore::CodeStore(std::string folder, io::Files& files, async::BlockingPool& pool,
                     ZipLimits limits)
    : folder_(std::move(folder)), files_(files), pool_(pool), limits_(limits) {}

base::Status CodeStore::open() {
  RETURN_IF_ERROR(files_.make_folder(folder_));
  RETURN_IF_ERROR(files_.make_folder(packages()));
  remove_tree(unpacked());
  return files_.make_folder(unpacked());
}

async::Task<base::Result<PackagePtr>> CodeStore::put(std::string zip) {
  return pool_.run([this, bytes = std::move(zip)] { return put_here(bytes); });
}

async::Task<base::Result<PackagePtr>> CodeStore::find(std::string sha256) {
  return pool_.run([this, sha = std::move(sha256)] { return find_here(sha); });
}

async::Task<base::Result<std::string>> CodeStore::unpack(PackagePtr package) {
  return pool_.run([this, held = std::move(package)] { return unpack_here(*held); });
}

async::Task<base::Result<std::string>> CodeStore::unpack_layers(std::vector<PackagePtr> layers) {
  return pool_.run([this, held = std::move(layers)] { return unpack_layers_here(held); });
}

async::Task<base::Result<std::string>> CodeStore::read(PackagePtr package) {
  return pool_.run([this, held = std::move(package)] { return read_here(*held); });
}

async::Task<base::Result<std::uint64_t>> CodeStore::unpacked_bytes(PackagePtr package) {
  return pool_.run([this, held = std::move(package)]() -> base::Result<std::uint64_t> {
    ASSIGN_OR_RETURN(const std::string zip, read_here(*held));
    ASSIGN_OR_RETURN(const ZipSummary summary, check_zip(zip, limits_));
    return summary.unpacked_bytes;
  });
}

async::Task<void> CodeStore::collect(Used used) {
  const bool done = co_await pool_.run([this, &used] {
    collect_here(used);
    return true;
  });
  static_cast<void>(done);
}

// Under the mutex.
PackagePtr CodeStore::hold(const std::string& sha256, std::uint64_t bytes) {
  auto& held = held_[sha256];
  PackagePtr package = held.lock();
  if (package == nullptr) {
    package = std::make_shared<const Package>(Package{sha256, bytes});
    held = package;
  }
  return package;
}

base::Result<PackagePtr> CodeStore::put_here(const std::string& zip) {
  if (zip.size() > kZipBytesMax) return base::error(base::ErrorCode::kLimit, "too large");
  RETURN_IF_ERROR(check_zip(zip, limits_));
  const std::string sha256 = base::sha256(zip);
  const std::lock_guard lock(mutex_);
  const PackagePtr package = hold(sha256, zip.size());
  const std::string name = file_name(sha256);
  const auto there = files_.open(packages() + '/' + name, io::OpenMode::kRead);
  if (!there) RETURN_IF_ERROR(io::write_file_atomically(files_, packages(), name, zip));
  return package;
}

base::Result<PackagePtr> CodeStore::find_here(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const auto file,
                   files_.open(packages() + '/' + file_name(sha256), io::OpenMode::kRead));
  ASSIGN_OR_RETURN(const std::uint64_t bytes, file->size());
  return hold(sha256, bytes);
}

base::Result<std::string> CodeStore::read_here(const Package& package) {
  return io::read_file(files_, packages() + '/' + file_name(package.sha256), kZipBytesMax);
}

// Into a folder that is made anew.
base::Status CodeStore::unpack_to(const Package& package, const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string zip, read_here(package));
  if (base::sha256(zip) != package.sha256)
    return base::error(base::ErrorCode::kCorruption, "a stored package is damaged");
  remove_tree(folder);
  base::Status unpacked = unpack_zip(zip, limits_, folder);
  if (!unpacked) remove_tree(folder);
  return unpacked;
}

base::Result<std::string> CodeStore::unpack_here(const Package& package) {
  const std::string folder = unpacked() + '/' + base::hex(package.sha256);
  const std::lock_guard lock(mutex_);
  std::error_code error;
  if (fs::is_directory(folder, error)) return folder;
  const std::string fresh = folder + ".new";
  RETURN_IF_ERROR(unpack_to(package, fresh));
  RETURN_IF_ERROR(files_.rename(fresh, folder));
  return folder;
}

base::Result<std::string> CodeStore::unpack_layers_here(const std::vector<PackagePtr>& layers) {
  CHECK(!layers.empty());
  if (layers.size() == 1) return unpack_here(*layers.front());
  std::string names;
  std::set<std::string> parts;
  for (const PackagePtr& layer : layers) {
    names += layer->sha256;
    parts.insert(layer->sha256);
  }
  const std::string folder = unpacked() + "/layers-" + base::hex(base::sha256(names));
  const std::lock_guard lock(mutex_);
  if (merged_.contains(folder)) return folder;
  const std::string fresh = folder + ".new";
  const std::string next = folder + ".next";
  RETURN_IF_ERROR(unpack_to(*layers.front(), fresh));
  for (std::size_t i = 1; i < layers.size(); ++i) {
    base::Status laid = unpack_to(*layers[i], next);
    if (laid) laid = lay_over(next, fresh);
    remove_tree(next);
    if (laid) continue;
    remove_tree(fresh);
    return std::unexpected(laid.error());
  }
  remove_tree(folder);
  RETURN_IF_ERROR(files_.rename(fresh, folder));
  merged_.emplace(folder, std::move(parts));
  return folder;
}

void CodeStore::collect_here(const Used& used) {
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
  const auto names = files_.list(packages());
  if (!names) return;
  std::set<std::string> idle;
  for (const std::string& name : *names) {
    const auto sha256 = base::from_hex(std::string_view(name).substr(0, name.find('.')));
    if (sha256 && !held_.contains(*sha256)) idle.insert(*sha256);
  }
  const std::set<std::string> kept = used();
  for (const std::string& sha256 : idle) {
    if (kept.contains(sha256)) continue;
    const base::Status removed = files_.remove(packages() + '/' + file_name(sha256));
    if (!removed) base::log_warn("functions: {}", removed.error().to_string());
    remove_tree(unpacked() + '/' + base::hex(sha256));
    std::erase_if(merged_, [&](const auto& entry) {
      if (!entry.second.contains(sha256)) return false;
      remove_tree(entry.first);
      return true;
    });
  }
}

}  // namespace functions
