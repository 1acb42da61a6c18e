#include "async/frames.h"

#include <array>
#include <new>

namespace async::detail {

#if __has_feature(address_sanitizer)

void* take_frame(std::size_t bytes) { return ::operator new(bytes); }
void give_frame(void* frame, std::size_t bytes) noexcept { ::operator delete(frame, bytes); }

#else

namespace {

struct Free {
  Free* next;
};

// The frames of one size that a thread keeps.
struct Shelf {
  Free* first = nullptr;
  std::size_t bytes = 0;
};
using Shelves = std::array<Shelf, kFrameBytesMax / kFrameStep>;

// Without a constructor or destructor, so that it costs nothing to reach and outlives everything
// else of its thread.
constinit thread_local Shelves shelves;
constinit thread_local bool closed = false;

std::size_t shelf_of(std::size_t bytes) { return (bytes - 1) / kFrameStep; }
std::size_t rounded(std::size_t bytes) { return (shelf_of(bytes) + 1) * kFrameStep; }

// Gives everything back when its thread ends; what is given after that is not kept.
struct Clearing {
  ~Clearing() {
    closed = true;
    for (std::size_t i = 0; i < shelves.size(); ++i) {
      for (Free* frame = shelves[i].first; frame != nullptr;) {
        Free* const next = frame->next;
        ::operator delete(frame, (i + 1) * kFrameStep);
        frame = next;
      }
      shelves[i] = {};
    }
  }
};

// The rare case: the shelf is empty, so this may be the first frame that the thread keeps.
bool may_keep() {
  static thread_local const Clearing clearing;
  return !closed;
}

}  // namespace

void* take_frame(std::size_t bytes) {
  if (bytes > kFrameBytesMax) return ::operator new(bytes);
  Shelf& shelf = shelves[shelf_of(bytes)];
  if (shelf.first == nullptr) return ::operator new(rounded(bytes));
  Free* const frame = shelf.first;
  shelf.first = frame->next;
  shelf.bytes -= rounded(bytes);
  return frame;
}

void give_frame(void* frame, std::size_t bytes) noexcept {
  if (bytes > kFrameBytesMax) return ::operator delete(frame, bytes);
  Shelf& shelf = shelves[shelf_of(bytes)];
  const std::size_t size = rounded(bytes);
  if (shelf.bytes + size > kKeptBytesMax || (shelf.bytes == 0 && !may_keep()))
    return ::operator delete(frame, size);
  shelf.first = ::new (frame) Free{shelf.first};
  shelf.bytes += size;
}

#endif

}  // namespace async::detail
