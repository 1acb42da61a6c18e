#include "objects/blobs.h"

#include <set>

#include "base/digest.h"
#include "base/log.h"
#include "store/for_each.h"

namespace objects {
namespace {

constexpr std::string_view kInlinePrefix = "objects/b/";
constexpr std::string_view kFilePrefix = "objects/f/";
constexpr std::size_t kIdLength = 32;

std::string inline_key(const std::string& id) { return std::string(kInlinePrefix) + id; }
std::string file_key(const std::string& id) { return std::string(kFilePrefix) + id; }

auto gone(const std::string& id) {
  return base::error(base::ErrorCode::kConflict, "blob " + id + " is gone");
}

}  // namespace

Blobs::Blobs(store::Store& store, io::Files& files, async::BlockingPool& pool, base::Random& random,
             std::string folder)
    : store_(store), files_(files), pool_(pool), random_(random), folder_(std::move(folder)) {}

async::Task<base::Status> Blobs::open() {
  std::set<std::string> known;
  const base::Status read = co_await store::for_each(
      store_, std::string(kFilePrefix), [&known](const store::KeyValue& entry) {
        known.insert(entry.key.substr(kFilePrefix.size()));
        return base::Status();
      });
  if (!read) co_return read;
  const base::Status swept = co_await pool_.run([this, &known]() -> base::Status {
    RETURN_IF_ERROR(files_.make_folder(folder_));
    ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.list(folder_));
    bool removed = false;
    for (const std::string& name : names) {
      if (known.contains(name)) continue;
      RETURN_IF_ERROR(files_.remove(path_of(name)));
      removed = true;
    }
    if (removed) RETURN_IF_ERROR(files_.sync_folder(folder_));
    return {};
  });
  co_return swept;
}

base::Status Blobs::write_file(const std::string& id, std::string_view body) {
  ASSIGN_OR_RETURN(const auto file, files_.open(path_of(id), io::OpenMode::kCreateNew));
  RETURN_IF_ERROR(file->write_at(body, 0));
  RETURN_IF_ERROR(file->sync_data());
  return files_.sync_folder(folder_);
}

async::Task<base::Result<Blobs::Saved>> Blobs::save(std::string body) {
  Saved saved;
  saved.blob.size = body.size();
  if (!body.empty()) saved.blob.id = base::random_text(random_, base::kHexDigits, kIdLength);
  if (body.size() <= kInlineBytesMax) {
    saved.md5 = base::md5(body);
    saved.inline_body = std::move(body);
    co_return saved;
  }
  saved.blob.in_file = true;
  const base::Status written = co_await pool_.run([this, &saved, &body]() -> base::Status {
    saved.md5 = base::md5(body);
    base::Status done = write_file(saved.blob.id, body);
    if (!done) static_cast<void>(files_.remove(path_of(saved.blob.id)));
    return done;
  });
  if (!written) co_return std::unexpected(written.error());
  co_return saved;
}

void Blobs::add(store::Batch& batch, Saved saved) {
  const std::string& id = saved.blob.id;
  if (id.empty()) return;
  if (saved.blob.in_file) batch.put(file_key(id), "");
  else batch.put(inline_key(id), std::move(saved.inline_body));
}

void Blobs::drop(store::Batch& batch, const Blob& blob) {
  if (!blob.id.empty()) batch.erase(blob.in_file ? file_key(blob.id) : inline_key(blob.id));
}

async::Task<void> Blobs::forget(std::vector<Blob> blobs) {
  std::erase_if(blobs, [](const Blob& blob) { return !blob.in_file; });
  if (blobs.empty()) co_return;
  const bool done = co_await pool_.run([this, &blobs] {
    for (const Blob& blob : blobs) {
      const base::Status removed = files_.remove(path_of(blob.id));
      if (!removed) base::log_warn("object file: {}", removed.error().to_string());
    }
    return true;
  });
  static_cast<void>(done);
}

base::Result<std::string> Blobs::read_file(const std::string& id, std::uint64_t offset,
                                           std::uint64_t size) {
  const auto file = files_.open(path_of(id), io::OpenMode::kRead);
  if (!file && file.error().code == base::ErrorCode::kNotFound) return gone(id);
  if (!file) return std::unexpected(file.error());
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, (*file)->read_at(bytes, offset));
  if (got != size) return base::error(base::ErrorCode::kCorruption, "file " + id + " is short");
  return bytes;
}

async::Task<base::Result<std::string>> Blobs::read(Blob blob, std::uint64_t offset,
                                                   std::uint64_t size) {
  if (blob.in_file) {
    auto bytes = co_await pool_.run(
        [this, &blob, offset, size] { return read_file(blob.id, offset, size); });
    co_return bytes;
  }
  if (size == 0) co_return std::string();
  auto body = co_await store_.get(inline_key(blob.id));
  if (!body) co_return std::unexpected(body.error());
  if (!body->has_value()) co_return gone(blob.id);
  if ((*body)->size() < offset + size)
    co_return base::error(base::ErrorCode::kCorruption, "blob " + blob.id + " is short");
  if (size == (*body)->size()) co_return **std::move(body);
  co_return (*body)->substr(offset, size);
}

}  // namespace objects
