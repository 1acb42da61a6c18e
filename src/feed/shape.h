#pragma once

// From what a source says to the record that is put. Pure functions.
//
// The stack's processor reads tweets as X's v1.1 interfaces write them (user.name, created_at,
// text); what other sources say can be put into that shape.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "feed/batch.h"

namespace feed {

enum class Shape {
  kAsIs,       // any JSON, unchanged
  kTweet,      // v1.1 tweets, unchanged; a stream's other messages are passed over
  kXv2,        // X API v2: {"data": ..., "includes": {"users": ...}}
  kMastodon,   // statuses
  kWikimedia,  // recent changes
};

struct Event {
  std::string type;      // of a server-sent event, else empty
  std::string text;      // JSON, one would hope
  std::string problem;   // instead of the text: why there is none
  std::string position;  // what Position::at is once this and all before it are acknowledged
};

// The record to put, nullopt for a message that is none (keep-alive, deletion notice).
// kInvalidArgument: not JSON, or not of that shape; kLimit: over kRecordBytesMax.
//
// The partition key is the text at `key_path` ("user.screen_name": members, joined by dots), else
// user.name, else a digest of the data: records with the same key keep their order.
base::Result<std::optional<Record>> make_record(const Event& event, Shape shape,
                                                std::string_view key_path);

// The record of a line as it is, whatever it holds. The partition key is `key`, or a digest of the
// line if that is empty. kLimit: over kRecordBytesMax.
base::Result<std::optional<Record>> line_record(const Event& event, const std::string& key);

// "Sun Aug 31 00:29:15 +0000 2014"
std::string tweet_time(base::Timestamp time);

// Text of a fragment of HTML: no tags, line breaks for <br> and </p>, the common references.
std::string text_of_html(std::string_view html);

}  // namespace feed
