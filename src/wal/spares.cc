#include "wal/spares.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wal {
namespace {

constexpr std::string_view kSuffix = ".spare";
constexpr std::string_view kUnfinished = ".spare.new";
// Written between two syncs while a spare is filled: whoever waits for the journal's own sync waits
// for no more than this beside it.
constexpr std::uint64_t kFillBytes = 512 << 10;

}  // namespace

base::Status Spares::open() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.list(folder_));
  for (const std::string& name : names) {
    const std::string path = folder_ + "/" + name;
    if (name.ends_with(kUnfinished)) RETURN_IF_ERROR(files_.remove(path));
    if (!name.ends_with(kSuffix)) continue;
    std::uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    const std::scoped_lock lock(mutex_);
    next_ = std::max(next_, number + 1);
    paths_.push_back(path);
  }
  return {};
}

std::optional<std::string> Spares::take() {
  const std::scoped_lock lock(mutex_);
  if (paths_.empty()) return std::nullopt;
  std::string path = std::move(paths_.back());
  paths_.pop_back();
  return path;
}

base::Status Spares::keep_or_remove(const std::string& path) {
  std::uint64_t bytes = 0;
  {
    ASSIGN_OR_RETURN(const auto file, files_.open(path, io::OpenMode::kRead));
    ASSIGN_OR_RETURN(bytes, file->size());
  }
  // A small one would have to grow on reserved blocks; one for a huge record is not worth its room.
  const bool fits = bytes >= segment_bytes_ / 2 && bytes <= segment_bytes_;
  if (!fits || count() >= max_) return files_.remove(path);
  const std::string spare = next_path();
  RETURN_IF_ERROR(files_.rename(path, spare));
  RETURN_IF_ERROR(files_.sync_folder(folder_));
  const std::scoped_lock lock(mutex_);
  paths_.push_back(spare);
  return {};
}

base::Status Spares::prepare(const std::stop_token& stop) {
  if (count() > 0 || max_ == 0) return {};
  const std::string spare = next_path();
  const std::string unfinished = spare + ".new";
  base::Status made = fill(unfinished, stop);
  if (made) made = files_.rename(unfinished, spare);
  if (!made) {
    const base::Status removed = files_.remove(unfinished);
    if (!removed && removed.error().code != base::ErrorCode::kNotFound) return removed;
    const auto code = made.error().code;
    const bool no_loss = code == base::ErrorCode::kCancelled || code == base::ErrorCode::kNoSpace;
    return no_loss ? base::Status() : made;
  }
  const std::scoped_lock lock(mutex_);
  paths_.push_back(spare);
  return {};
}

base::Status Spares::fill(const std::string& path, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const auto file, files_.open(path, io::OpenMode::kCreateNew));
  RETURN_IF_ERROR(file->preallocate(segment_bytes_));
  const std::string zeros(kFillBytes, '\0');
  for (std::uint64_t at = 0; at < segment_bytes_; at += kFillBytes) {
    if (stop.stop_requested()) return base::error(base::ErrorCode::kCancelled, "stopping");
    const auto bytes = static_cast<std::size_t>(std::min(kFillBytes, segment_bytes_ - at));
    RETURN_IF_ERROR(file->write_at(std::string_view(zeros).substr(0, bytes), at));
    RETURN_IF_ERROR(file->sync_data());
  }
  return {};
}

std::size_t Spares::count() const {
  const std::scoped_lock lock(mutex_);
  return paths_.size();
}

std::string Spares::next_path() {
  const std::scoped_lock lock(mutex_);
  return fmt::format("{}/{}{}", folder_, next_++, kSuffix);
}

}  // namespace wal
