#include "store/checkpoint.h"

#include "base/digest.h"
#include "base/encoding.h"

namespace store {

namespace {
constexpr std::string_view kName = "CHECKPOINT";
constexpr std::string_view kMagic = "MILLCKPT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kBytes = 40;
}  // namespace

base::Status write_checkpoint(io::Files& files, const std::string& folder,
                              const wal::ReplayStart& start) {
  std::string bytes(kMagic);
  base::append_u32(bytes, kVersion);
  base::append_u64(bytes, start.next);
  base::append_u64(bytes, start.position.segment);
  base::append_u64(bytes, start.position.offset);
  base::append_u32(bytes, base::crc32c(bytes));
  CHECK(bytes.size() == kBytes);
  return io::write_file_atomically(files, folder, std::string(kName), bytes);
}

base::Result<std::optional<wal::ReplayStart>> read_checkpoint(io::Files& files,
                                                              const std::string& folder) {
  const std::string path = folder + "/" + std::string(kName);
  const auto read = io::read_file(files, path, kBytes);
  if (!read && read.error().code == base::ErrorCode::kNotFound) return std::nullopt;
  if (!read) return std::unexpected(read.error());
  const std::string_view bytes = *read;
  if (bytes.size() != kBytes || !bytes.starts_with(kMagic) ||
      base::read_u32(bytes.substr(8)) != kVersion ||
      base::read_u32(bytes.substr(kBytes - 4)) != base::crc32c(bytes.substr(0, kBytes - 4)))
    return base::error(base::ErrorCode::kCorruption, path + " is damaged");
  const wal::ReplayStart start{.next = base::read_u64(bytes.substr(12)),
                               .position = {.segment = base::read_u64(bytes.substr(20)),
                                            .offset = base::read_u64(bytes.substr(28))}};
  if (start.next == 0 || start.position.segment == 0)
    return base::error(base::ErrorCode::kCorruption, path + " is damaged");
  return start;
}

}  // namespace store
