#pragma once

// Memory for the frames of coroutines. A request runs through about twenty of them, most of sizes
// that malloc takes its slow way for; each thread keeps the frames that ended on it and hands them
// out again. A frame may end on another thread than it began on: it then stays there.
//
// Thread-safe. A thread keeps at most kKeptBytesMax of a size (4 MiB of all together, where all
// sizes were in use), and no frame larger than kFrameBytesMax; what is beyond goes to the heap, as
// everything does under AddressSanitizer, which would not see the use of a dead frame otherwise.

#include <cstddef>

namespace async::detail {

inline constexpr std::size_t kFrameStep = 64;  // sizes are rounded up to this
inline constexpr std::size_t kFrameBytesMax = 4096;
inline constexpr std::size_t kKeptBytesMax = 64 * 1024;

void* take_frame(std::size_t bytes);
// `bytes` as it was taken.
void give_frame(void* frame, std::size_t bytes) noexcept;

}  // namespace async::detail
