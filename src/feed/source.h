#pragma once

// Source: where a feed's events come from. Owned by the feed, lives on its core, asked for one
// event at a time; what nobody asks for is not read, so a slow stream holds the source back.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "async/blocking.h"
#include "async/task.h"
#include "base/result.h"
#include "feed/shape.h"

namespace feed {

// A line or an event that is longer is passed over (and counted as malformed).
inline constexpr std::size_t kEventBytesMax = 4 << 20;

class Source {
 public:
  virtual ~Source() = default;
  // The next event. nullopt at the end, which after a stop comes as soon as what has been read
  // already is handed out. An error ends the feed.
  virtual async::Task<base::Result<std::optional<Event>>> next() = 0;
};

// Tweets `from` to `until` (exclusive) of a generator. Positions are numbers of tweets.
std::unique_ptr<Source> make_generated(std::uint64_t seed, std::uint64_t from, std::uint64_t until,
                                       std::stop_token stop);

// Lines of a file, a pipe or standard input ("-"). Positions are byte offsets; `from` other than 0
// is for files only. kNotFound, kPermission, kInvalidArgument (shorter than `from`).
base::Result<std::unique_ptr<Source>> open_lines(const std::string& path, std::uint64_t from,
                                                 async::BlockingPool& pool, std::stop_token stop);

}  // namespace feed
