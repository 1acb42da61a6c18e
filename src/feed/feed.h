#pragma once

// A whole feed: source, conveyor, sink, and the position file. run() blocks the calling thread,
// which must be no core's, until the source ends, `stop` is requested, or something fails. The core
// and everything on it live inside the call.
//
// At least once: a record is acknowledged by Kinesis before its position is kept, so after a crash
// some may be put twice, none is left out.

#include <stop_token>
#include <string>

#include "base/result.h"
#include "feed/figures.h"
#include "feed/oauth1.h"
#include "feed/sink.h"

namespace feed {

enum class From {
  kLines,
  kGenerator,
  kXv2,
  kXv1,
  kMastodon,
  kWikimedia,
  kServerSentEvents,
  kNdjson
};

struct Settings {
  From from = From::kLines;
  std::string path;         // kLines: "-" is standard input
  std::uint64_t count = 0;  // kGenerator
  std::uint64_t seed = 1;   // kGenerator
  std::string url;          // live; empty: the source's own
  std::string track;        // kXv1
  std::string bearer;       // live, if not empty
  OAuth1Keys oauth1;        // kXv1
  bool as_is = false;       // do not turn the messages of X v2, Mastodon, Wikimedia into tweets
  std::chrono::milliseconds silence_max{20'000};

  bool print = false;  // to standard output instead of the target
  KinesisTarget target;
  std::string authorities_pem;
  bool raw_lines = false;  // kLines: records as they are, JSON or not
  std::string key;         // raw_lines: everyone's partition key; empty: a digest of each
  std::string key_path = "user.screen_name";
  bool one_of_each_key = false;
  bool strict = false;  // a malformed line ends the feed
  double rate = 0;      // records a second at most; 0: as fast as the stream takes them
  std::string resume_path;
  std::chrono::milliseconds linger{100};
  std::chrono::milliseconds progress_every{10'000};  // 0: no progress lines
};

struct Ended {
  base::Status status;
  Figures figures;
  double seconds = 0;
};

// Progress and warnings go to `say`, a line at a time, from any thread.
Ended run(const Settings& settings, std::function<void(std::string)> say, std::stop_token stop);

}  // namespace feed
