#include "io/files.h"

namespace io {

base::Result<std::string> read_file(Files& files, const std::string& path,
                                    std::uint64_t bytes_max) {
  ASSIGN_OR_RETURN(const auto file, files.open(path, OpenMode::kRead));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  if (size > bytes_max)
    return base::error(base::ErrorCode::kLimit, path + " is larger than it can be");
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, file->read_at(bytes, 0));
  bytes.resize(got);
  return bytes;
}

base::Status write_file_atomically(Files& files, const std::string& folder, const std::string& name,
                                   std::string_view bytes) {
  const std::string path = folder + "/" + name;
  const std::string fresh = path + ".new";
  const base::Status removed = files.remove(fresh);
  if (!removed && removed.error().code != base::ErrorCode::kNotFound) return removed;
  {
    ASSIGN_OR_RETURN(const auto file, files.open(fresh, OpenMode::kCreateNew));
    RETURN_IF_ERROR(file->write_at(bytes, 0));
    RETURN_IF_ERROR(file->sync_data());
  }
  RETURN_IF_ERROR(files.rename(fresh, path));
  return files.sync_folder(folder);
}

}  // namespace io
