#include "async/frames.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace async::detail {
namespace {

TEST(Frames, OfAllSizesAreApart) {
  std::vector<std::pair<char*, std::size_t>> frames;
  for (std::size_t bytes = 1; bytes <= kFrameBytesMax + 2 * kFrameStep; bytes += 61)
    frames.emplace_back(static_cast<char*>(take_frame(bytes)), bytes);
  for (std::size_t i = 0; i < frames.size(); ++i)
    std::memset(frames[i].first, static_cast<int>(i), frames[i].second);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto& [frame, bytes] = frames[i];
    EXPECT_EQ(static_cast<unsigned char>(frame[0]), i % 256);
    EXPECT_EQ(static_cast<unsigned char>(frame[bytes - 1]), i % 256);
    give_frame(frame, bytes);
  }
}

TEST(Frames, AreKeptWithinTheLimit) {
  constexpr std::size_t kBytes = 1024;
  constexpr std::size_t kTaken = kKeptBytesMax / kBytes * 2;
  for (int round = 0; round < 3; ++round) {
    std::set<void*> frames;
    while (frames.size() < kTaken) frames.insert(take_frame(kBytes));
    for (void* const frame : frames) give_frame(frame, kBytes);
  }
}

// Frames go round between threads, and threads end with frames that others began.
TEST(Frames, MayEndOnAnotherThread) {
  constexpr std::size_t kSlots = 64;
  std::vector<std::atomic<void*>> slots(kSlots);
  const auto work = [&slots](std::size_t start) {
    for (std::size_t i = 0; i < 20'000; ++i) {
      auto& slot = slots[(start + i) % kSlots];
      const std::size_t bytes = 100 + (start + i) % kSlots * 20;
      void* const mine = take_frame(bytes);
      std::memset(mine, 7, bytes);
      void* const before = slot.exchange(mine, std::memory_order_acq_rel);
      if (before != nullptr) give_frame(before, bytes);
    }
  };
  for (int round = 0; round < 3; ++round) {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) threads.emplace_back(work, t * 16);
  }
  for (std::size_t i = 0; i < kSlots; ++i) {
    void* const left = slots[i].load();
    if (left != nullptr) give_frame(left, 100 + i * 20);
  }
}

}  // namespace
}  // namespace async::detail
