#pragma once

// Sink: where a feed's records go. Owned by the feed, lives on its core, one put() at a time.

#include <functional>
#include <memory>
#include <stop_token>

#include "async/asio_core.h"
#include "base/clock.h"
#include "base/random.h"
#include "client/target.h"
#include "feed/batch.h"
#include "feed/figures.h"

namespace feed {

// After a stop, how long a batch that is on its way may still try.
inline constexpr std::chrono::seconds kFlushPatience{10};

class Sink {
 public:
  virtual ~Sink() = default;
  // Success: every record is acknowledged. Counts into the figures it was made with. kNotFound: no
  // such stream; kPermission; kInvalidArgument: it will never work; kUnavailable: gave up.
  virtual async::Task<base::Status> put(Batch batch) = 0;
};

struct KinesisTarget {
  client::Target at;
  std::string stream;
  std::chrono::seconds give_up_after{300};  // without a single record taken
  // An endpoint that nobody has answered at yet is not worth waiting for: kUnavailable at once.
  bool reach_at_once = false;
};

// Millrace or AWS. Records that are refused for now are sent again, in order, before any later
// ones: PutRecords itself may take the later of two records of one partition key and refuse the
// earlier (see Batch for how to rule that out).
std::unique_ptr<Sink> make_kinesis(async::AsioCore& core, wire::HttpClient& client,
                                   KinesisTarget target, base::Clock& clock, base::Random& random,
                                   Figures& figures, std::function<void(std::string)> warn,
                                   std::stop_token stop);

// Lines on standard output.
std::unique_ptr<Sink> make_printer(Figures& figures);

}  // namespace feed
