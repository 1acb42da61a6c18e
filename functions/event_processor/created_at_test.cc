#include "event_processor/created_at.h"

#include <gtest/gtest.h>

namespace event_processor {
namespace {

TEST(Timestamp, ReadsTwittersForm) {
  EXPECT_EQ(timestamp_from("Sun Aug 31 00:29:15 +0000 2014"), "2014-08-31T00:29:15.000Z");
  EXPECT_EQ(timestamp_from("Mon Feb 29 23:59:59 +0000 2016"), "2016-02-29T23:59:59.000Z");
}

TEST(Timestamp, IsInUtc) {
  EXPECT_EQ(timestamp_from("Sun Aug 31 00:29:15 +0530 2014"), "2014-08-30T18:59:15.000Z");
  EXPECT_EQ(timestamp_from("Wed Dec 31 20:00:00 -0800 2014"), "2015-01-01T04:00:00.000Z");
}

TEST(Timestamp, ReadsRfc3339) {
  EXPECT_EQ(timestamp_from("2014-08-31T00:29:15Z"), "2014-08-31T00:29:15.000Z");
  EXPECT_EQ(timestamp_from("2014-08-31T00:29:15.1239Z"), "2014-08-31T00:29:15.123Z");
  EXPECT_EQ(timestamp_from("2014-08-31T02:29:15.5+02:00"), "2014-08-31T00:29:15.500Z");
}

TEST(Timestamp, RefusesTheRest) {
  for (const char* text :
       {"", "yesterday", "Sun Aug 31 00:29:15 +0000 14", "Sun Aug 31 00:29:15 +0000 2014 ",
        "Sun Aug 31 00:29:15 0000 2014", "Son Aug 31 00:29:15 +0000 2014",
        "Sun aug 31 00:29:15 +0000 2014", "Sun Feb 30 00:29:15 +0000 2014",
        "Sun Aug 00 00:29:15 +0000 2014", "Sun Aug 31 24:00:00 +0000 2014",
        "Sun Aug 31 00:60:15 +0000 2014", "Sun Aug 31 00:29:60 +0000 2014",
        "Sun Aug 31 00:29:15 +2400 2014", "2014-13-01T00:00:00Z", "2014-08-31 00:29:15Z",
        "2014-08-31T00:29:15", "2014-08-31T00:29:15.Z", "0000-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00"}) {
    EXPECT_FALSE(timestamp_from(text)) << text;
  }
}

}  // namespace
}  // namespace event_processor
