// Reading a small file whole.
#pragma once

#include <optional>
#include <string>

namespace sdk {

// Nothing if the file cannot be read or is longer than bytes_max.
std::optional<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace sdk
