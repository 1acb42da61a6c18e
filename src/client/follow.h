#pragma once

// Reading a whole stream: every shard, and the shards that come of them when they are split and
// merged. Within a shard records come in order; a shard's come after all of its parents'. Nothing
// is said about the order of shards side by side.
//
// Lives on the core it is awaited on. Limits: at most kReadsAtOnce requests at a time; each shard
// is asked at most every kPollEvery while nothing new is there, which leaves AWS's five reads a
// second to others.

#include "client/from.h"
#include "client/kinesis_calls.h"

namespace client {

inline constexpr std::size_t kReadsAtOnce = 8;
inline constexpr std::chrono::milliseconds kPollEvery{400};

struct FollowOptions {
  std::string stream;
  std::string shard;  // this one only, without those that come of it; empty: all
  From from;
  // Goes on until it is stopped (or `shard` ends). Otherwise: ends when everything that was there
  // is read.
  bool follow = false;
  std::chrono::seconds give_up_after{300};  // of a shard that cannot be read all that time
};

class FollowSink {
 public:
  virtual ~FollowSink() = default;
  // False: enough.
  virtual bool take(const std::string& shard, const std::vector<api::kinesis::Record>& records) = 0;
  // What a person who waits may want to know: a line.
  virtual void note(std::string line) = 0;
};

// Success: the end, a stop, or enough. Before the first answer, an endpoint that cannot be reached
// is a failure; later it is waited for.
async::Task<Answer<void>> follow(Retries with, FollowOptions options, FollowSink& sink,
                                 base::Clock& clock);

}  // namespace client
